/** The demo agent's plans: Markdown lists, whose steps are what is carried out. */

/** What would be done about a wish; with an earlier plan, that one with the wish as one more step. */
export function planFor(wish: string, earlier?: string): string {
  if (earlier !== undefined) return listed("The plan, changed as you said:", [...stepsOf(earlier), named(wish)]);
  return listed(`What I would do about ${named(wish)}:`, ["Look at what is there", "Do it", "Say how it went"]);
}

/** The lines of carrying it out, to be said one after the other. */
export function stepLines(plan: string): string[] {
  return ["Carrying out the plan.\n", ...stepsOf(plan).map((step) => `\n- ✓ ${step}`), "\n\n**Done.**"];
}

/** Anybody's plan: the entries of its lists, or all of it as one step. */
function stepsOf(plan: string): string[] {
  const steps = plan.split("\n").flatMap((line) => /^\s*(?:\d+[.)]|[-*+])\s+(\S.*)$/.exec(line)?.[1] ?? []);
  return steps.length === 0 ? [named(plan)] : steps;
}

function listed(title: string, steps: readonly string[]): string {
  return [title, "", ...steps.map((step, index) => `${index + 1}. ${step}`)].join("\n");
}

const LONGEST_NAME = 100;

/** A text as code within a line, where nothing in it means anything. */
function named(text: string): string {
  const line = text.replaceAll("`", "'").replace(/\s+/g, " ").trim();
  const cut = line.length > LONGEST_NAME ? `${line.slice(0, LONGEST_NAME).replace(/[\ud800-\udbff]$/, "")}…` : line;
  return `\`${cut}\``;
}
