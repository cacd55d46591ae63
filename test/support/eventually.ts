/**
 * Resolves as soon as the condition holds, looking again after each turn of the event loop. The deadline is for
 * a test that fails, not a measure of anything.
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  deadline = 15_000,
): Promise<void> {
  const until = Date.now() + deadline;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(`never came true: ${typeof what === "string" ? what : what()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
