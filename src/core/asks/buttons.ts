/**
 * What a button carries: `<ask>:<choice>:<mac>`, at most 64 bytes. The mac is made with the ask's own key, which nobody
 * is shown: what was not handed out for this ask decides nothing.
 */
import type { Ask } from "../../model.ts";
import type { AskAnswer } from "../../store.ts";

/** `yes`, `session`, `always`: approve, for how long. `no`; `why`: no, with the reason as the press's value. `q0.1`: the second choice answers the first question; `q0`: the choice that is the value does; `t0`: the value does, as a text. */
export type Choice = "yes" | "session" | "always" | "no" | "why" | `q${number}.${number}` | `q${number}` | `t${number}`;

/** Characters of base64url: 96 bits. */
const MAC = 16;

export async function buttonData({ id, key }: Pick<Ask, "id" | "key">, choice: Choice): Promise<string> {
  return `${id}:${choice}:${await macOf(key, id, choice)}`;
}

const DATA = /^(ask_[\w-]{1,60}):([a-z0-9.]{1,12}):([\w-]{16})$/;

/** The ask that a button claims to be of; what it means is known only once the ask's key has proven it. */
export function askOf(data: string): string | undefined {
  return DATA.exec(data)?.[1];
}

/** The choice that a button of this ask stands for; undefined where it was never handed out. */
export async function choiceOf({ id, key }: Pick<Ask, "id" | "key">, data: string): Promise<Choice | undefined> {
  const [, claimed, choice = "", mac = ""] = DATA.exec(data) ?? [];
  if (claimed !== id || !isChoice(choice)) return undefined;
  return isSame(mac, await macOf(key, id, choice)) ? choice : undefined;
}

/** What choosing it says, without who says it; undefined where the value that it needs is missing or unknown. */
export function answerOf(
  { request }: Pick<Ask, "request">,
  choice: Choice,
  value: string | undefined,
): Pick<AskAnswer, "question" | "value" | "verdict"> | undefined {
  if (request.kind !== "questions") return verdictOf(choice, value);
  const [, how, number, picked] = /^([qt])(\d+)(?:\.(\d+))?$/.exec(choice) ?? [];
  const asked = request.questions[Number(number)];
  if (asked === undefined) return undefined;
  const text = value?.trim() ?? "";
  if (how === "t") return text !== "" && isFree(asked) ? { question: asked.id, value: text } : undefined;
  const chosen = picked === undefined ? asked.choices?.find(({ id }) => id === text) : asked.choices?.[Number(picked)];
  return chosen && { question: asked.id, value: chosen.id };
}

export function isFree({ choices, free }: { choices?: readonly unknown[]; free?: boolean }): boolean {
  return choices === undefined || choices.length === 0 || free === true;
}

function verdictOf(choice: Choice, value: string | undefined): Pick<AskAnswer, "verdict"> | undefined {
  switch (choice) {
    case "yes":
      return { verdict: { kind: "approved", scope: "once" } };
    case "session":
    case "always":
      return { verdict: { kind: "approved", scope: choice } };
    case "no":
      return { verdict: { kind: "rejected" } };
    case "why": {
      const reason = value?.trim() ?? "";
      return { verdict: { kind: "rejected", ...(reason === "" ? {} : { reason }) } };
    }
    default:
      return undefined;
  }
}

function isChoice(text: string): text is Choice {
  return /^(yes|session|always|no|why|[qt]\d{1,3}|q\d{1,3}\.\d{1,3})$/.test(text);
}

async function macOf(key: string, id: string, choice: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", bytes.encode(key), algorithm, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", secret, bytes.encode(`${id}:${choice}`));
  const base64 = btoa(String.fromCharCode(...new Uint8Array(mac)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").slice(0, MAC);
}

/** Compares all of it, whatever differs first: the time tells nothing. */
function isSame(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < b.length; index++)
    difference |= a.charCodeAt(index % (a.length || 1)) ^ b.charCodeAt(index);
  return difference === 0;
}
