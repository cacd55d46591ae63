/** A text that is being written survives a reload of the page and a look into another channel. */
const PREFIX = "switchboard.draft.";

export function draftOf(name: string): string {
  return sessionStorage.getItem(PREFIX + name) ?? "";
}

export function keepDraft(name: string, text: string): void {
  if (text === "") sessionStorage.removeItem(PREFIX + name);
  else sessionStorage.setItem(PREFIX + name, text);
}
