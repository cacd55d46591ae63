/** Makes the buttons above code blocks work; they come with the messages' HTML. */
export function copyFromCode(event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest(".code-head button") : null;
  const code = button?.closest(".code")?.querySelector("code")?.textContent;
  if (button === null || code === null || code === undefined) return;
  const say = (text: string): void => {
    button.textContent = text;
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1_500);
  };
  // There is no clipboard where the page came over plain HTTP from another machine.
  const writing = navigator.clipboard?.writeText(code) ?? Promise.reject(new Error("no clipboard"));
  writing.then(
    () => say("Copied"),
    () => say("Not allowed"),
  );
}
