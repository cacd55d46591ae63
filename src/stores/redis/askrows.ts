/** Asks as the scripts keep them: what doesn't change as JSON, the rest as fields of their hash. See asks.lua. */
import type { Ask, AskEnd, AskRequest, AuditEntry, ChannelId, QuestionAnswer, ShownCard } from "../../model.ts";
import type { AskDraft } from "../../store.ts";
import { decode, encode } from "./keys.ts";
import { list, pairs } from "./reply.ts";
import type { Reply } from "./scripts.ts";

/** Characters of what was asked that the audit log repeats. */
const EXCERPT = 200;

type Core = Omit<Ask, "session" | "version" | "shown" | "reminders" | "remindedAt" | "dueAt" | "answers" | "end">;

/** A new ask as `open` in asks.lua takes it. */
export function writeAsk(id: string, channel: ChannelId, draft: AskDraft, openedAt: number): (string | number)[] {
  const { outbox: _, dueAt, ...rest } = draft;
  const core: Core = { id, channel, ...rest, openedAt };
  return [
    encode(id),
    encode(draft.turn ?? ""),
    JSON.stringify(core),
    writeAudit(core),
    questionsOf(draft.request).join(" "),
    dueAt ?? "",
  ];
}

/** An ask that changed already, as the fields of its hash. `place`: where it stands in the index of open ones. */
export function writeRow(ask: Ask, place: string): [string, string | number][] {
  const { session, version, shown, reminders, remindedAt, dueAt, answers, end, ...core } = ask;
  const answered = Object.entries(answers).map(([id, answer]) => [`q:${encode(id)}`, JSON.stringify(answer)] as const);
  const fields: Record<string, string | number> = {
    ...{ channel: encode(ask.channel), session, ask: JSON.stringify(core), audit: writeAudit(core), place },
    ...{ openedAt: ask.openedAt, version, reminders, first: "" },
    turn: encode(ask.turn ?? ""),
    questions: questionsOf(ask.request).join(" "),
    shown: writeShown(shown),
    remindedAt: remindedAt ?? "",
    dueAt: dueAt ?? "",
    end: end === undefined ? "" : JSON.stringify(end),
    ...Object.fromEntries(answered),
  };
  return Object.entries(fields).filter(([, value]) => value !== "");
}

/** Where an ask stands that was opened by another store: the time of this one's server is not known of it. */
export function placeOf({ id, openedAt }: Ask): string {
  return `${String(openedAt).padStart(13, "0")}.${"0".repeat(16)}.${encode(id)}`;
}

/** What all entries of the audit log say of an ask. */
function writeAudit({ id, channel, request }: Pick<Ask, "id" | "channel" | "request">): string {
  const { kind } = request;
  const said =
    request.text === "" && kind === "questions" ? request.questions.map(({ prompt }) => prompt) : [request.text];
  return members({ ask: id, channel, kind, text: said.join("\n").slice(0, EXCERPT) });
}

/** Members of a JSON object, each with a comma before it. */
export function members(part: Partial<AuditEntry>): string {
  const json = JSON.stringify(part);
  return json === "{}" ? "" : `,${json.slice(1, -1)}`;
}

/** The ids of its questions, as fields and lists name them. */
function questionsOf(request: AskRequest): string[] {
  return request.kind === "questions" ? request.questions.map(({ id }) => encode(id)) : [];
}

/** The replies that show a new ask. */
export function cardsOf(ask: string, { request }: Pick<AskDraft, "request">) {
  const card = { kind: "card", text: "" } as const;
  if (request.kind !== "questions") return [{ ...card, card: { ask } }];
  return request.questions.map(({ id }) => ({ ...card, card: { ask, question: id } }));
}

/** Undefined for a hash that isn't there. */
export function readAsk(fields: Iterable<readonly [string, string]>): Ask | undefined {
  const row = new Map(fields);
  const of = (name: string) => row.get(name) ?? "";
  if (of("ask") === "") return undefined;
  const core = JSON.parse(of("ask")) as Core;
  return {
    ...core,
    session: of("session"),
    version: Number(of("version")),
    shown: readShown(of("shown")),
    reminders: Number(of("reminders")),
    ...(of("remindedAt") === "" ? {} : { remindedAt: Number(of("remindedAt")) }),
    ...(of("dueAt") === "" ? {} : { dueAt: Number(of("dueAt")) }),
    answers: readAnswers(core.request, of),
    ...(of("end") === "" ? {} : { end: JSON.parse(of("end")) as AskEnd }),
  };
}

/** Pairs of an id and its hash. */
export function readAsks(reply: Reply | undefined): Ask[] {
  return list(reply)
    .filter((_, index) => index % 2 === 1)
    .map((fields) => readAsk(pairs(fields)))
    .filter((ask) => ask !== undefined);
}

/** The ids of a channel's open asks, from its row. */
export function readOpen(asks: string): string[] {
  return [...asks.matchAll(/([^,;]+),[^;]*;/g)].map(([, id = ""]) => decode(id));
}

/** See cards.lua. */
function writeShown(shown: readonly ShownCard[]): string {
  return shown
    .map(({ ref, question = "", reminder }) => `${encode(ref)},${encode(question)},${reminder ? "r" : ""};`)
    .join("");
}

function readShown(shown: string): ShownCard[] {
  return shown
    .split(";")
    .slice(0, -1)
    .map((card) => {
      const [ref = "", question = "", reminder = ""] = card.split(",").map(decode);
      return {
        ref,
        ...(question === "" ? {} : { question }),
        ...(reminder === "" ? {} : { reminder: true }),
      };
    });
}

function readAnswers(request: AskRequest, of: (name: string) => string): Record<string, QuestionAnswer> {
  if (request.kind !== "questions") return {};
  const answers = request.questions.map(({ id }) => [id, of(`q:${encode(id)}`)] as const);
  return Object.fromEntries(
    answers.filter(([, answer]) => answer !== "").map(([id, answer]) => [id, JSON.parse(answer) as QuestionAnswer]),
  );
}
