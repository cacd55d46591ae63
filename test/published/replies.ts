/** What the model twin answers to agents that wrap and join what people say. */
import type { ModelTwin } from "../twins/models/index.ts";
import type { Reply } from "../twins/models/reply.ts";
import type { ModelRequest } from "../twins/models/request.ts";
import { answerTo } from "../twins/models/script.ts";

/**
 * The last directive decides, with calls that stand in a line with it, and only where tools come with it: an agent may
 * join the messages of several turns, add remarks of its own behind what a tool gave, and ask for a title of the session
 * meanwhile.
 */
export function replyTo(request: ModelRequest): Reply {
  const { said } = request;
  if (isAside(request)) return { text: ["A title"] };
  const at = said.findLastIndex(({ role, text }) => role === "user" && text.includes("[["));
  const newest = said[at];
  if (newest === undefined) return answerTo(request);
  const last = newest.text.lastIndexOf("[[");
  const begin = last - (CALLS_BEFORE.exec(newest.text.slice(0, last))?.[0].length ?? 0);
  const [before, text] = [newest.text.slice(0, begin), newest.text.slice(begin)];
  const results = said.slice(at + 1).filter(({ role }) => role === "tool");
  const reply = answerTo({
    ...request,
    said: [...said.slice(0, at), { ...newest, text: before }, { ...newest, text }, ...results],
  });
  // Agents take two calls of the same id for one.
  const calls = (reply.calls ?? []).map((call, index) => ({ ...call, id: `call_${said.length}_${index}` }));
  return { ...reply, calls, every: reply.every ?? 5 };
}

const CALLS_BEFORE = /\[\[call [^\n]*\]\] $/;

/** The models that had to answer this. */
export function modelsAsked(text: string, { requests }: Pick<ModelTwin, "requests">): string[] {
  return requests.filter(({ said }) => said.at(-1)?.text.endsWith(text)).map(({ model }) => model);
}

/** Codex gives newer models their tools among what was said. */
function isAside({ tools, body }: ModelRequest): boolean {
  return tools.length === 0 && !JSON.stringify(body.input ?? []).includes('"additional_tools"');
}
