/** Turns, messages, commands and replies as the scripts keep them. */
import type { Cancellation, Control, Message, MessageRef, OutboxDraft, OutboxEntry, Turn } from "../../model.ts";
import { decode, encode } from "./keys.ts";
import { list, pairs, text, texts } from "./reply.ts";
import type { Reply } from "./scripts.ts";

/** A message in the inbox: its id as the scripts use it, a line's end, and all of it. */
export function readMessage(entry: string): Message {
  return JSON.parse(entry.slice(entry.indexOf("\n") + 1)) as Message;
}

/** The same without its id. The source comes first, where there is one: `acquire.lua` looks for it there. */
export function writeMessage({ source, ...rest }: Message): string {
  return JSON.stringify(source === undefined ? rest : { source, ...rest });
}

/** What `viewTurn` in turns.lua gives. */
export function readTurn(reply: Reply | undefined): Turn | undefined {
  const [row, preview, cancelled, retryAt, messages, asked] = list(reply);
  if (row === undefined) return undefined;
  const [id = "", , , , attempt, startedAt] = text(row).split(" ");
  return {
    id,
    attempt: Number(attempt),
    startedAt: Number(startedAt),
    ...(preview === "" ? {} : { preview: text(preview) }),
    ...(cancelled === "" ? {} : { cancelled: readCancellation(text(cancelled)) }),
    ...(retryAt === "" ? {} : { retryAt: Number(text(retryAt)) }),
    ...(asked === "" ? {} : { asks: readIds(text(asked)) }),
    messages: texts(messages).map(readMessage),
  };
}

/** Ids, each followed by a semicolon: see asks.lua. */
export function readIds(asked: string): string[] {
  return asked.split(";").slice(0, -1).map(decode);
}

export function readCancellation(stored: string): Cancellation {
  return JSON.parse(stored.slice(stored.indexOf("\n") + 1)) as Cancellation;
}

/** The hash of commands, in the order of their arrival. */
export function readControls(reply: Reply | undefined): Control[] {
  return pairs(reply)
    .map(([, stored]) => {
      const [sequence = "", turn = "", dropped = "", ...rest] = stored.split("\n");
      const control = readControl(rest.join("\n"));
      const effect =
        dropped === "" ? {} : { effect: { cancelledTurn: turn === "" ? null : turn, dropped: Number(dropped) } };
      return { sequence: Number(sequence), control: { ...control, ...effect } };
    })
    .sort((a, b) => a.sequence - b.sequence)
    .map(({ control }) => control);
}

/** What `accept.lua` makes of a message while an ask is open: see `restOfSay`. */
function readControl(stored: string): Control {
  if (!stored.startsWith("[")) return JSON.parse(stored) as Control;
  const [message, replyTo, answers] = JSON.parse(stored) as [Message, string | null, MessageRef | null];
  const { id, sender, acceptedAt: at } = message;
  return {
    ...{ id, command: "say", args: "", sender, at },
    ...(replyTo === null ? {} : { replyTo }),
    message,
    ...(answers === null ? {} : { answers }),
  };
}

/** What a `say` has besides its message. */
export function restOfSay({ replyTo, answers }: Pick<Control, "replyTo" | "answers">): string {
  return `,${JSON.stringify(replyTo ?? null)},${JSON.stringify(answers ?? null)}`;
}

/** Drafts as the scripts take them: the message to edit, or "", and what is to be said, in turn. */
export function writeDrafts(drafts: readonly OutboxDraft[]): string[] {
  return drafts.flatMap((draft) => [encode(draft.ref ?? ""), writeDraft(draft)]);
}

/** What is to be said, as in the outbox: a card as cards.lua has it. */
export function writeDraft({ kind, text, card, replyTo }: Omit<OutboxDraft, "ref">): string {
  if (card === undefined) return JSON.stringify({ kind, text, ...(replyTo === undefined ? {} : { replyTo }) });
  const { ask, question = "", reminder } = card;
  return `card ${[ask, question, reminder ? "r" : "", replyTo ?? ""].map(encode).join(",")}`;
}

export function readDraft(stored: string): Omit<OutboxDraft, "ref"> {
  if (!stored.startsWith("card ")) return JSON.parse(stored) as Omit<OutboxDraft, "ref">;
  const [ask = "", question = "", reminder, replyTo = ""] = stored.slice("card ".length).split(",").map(decode);
  return {
    ...{ kind: "card", text: "" },
    card: {
      ask,
      ...(question === "" ? {} : { question }),
      ...(reminder === "" ? {} : { reminder: true }),
    },
    ...(replyTo === "" ? {} : { replyTo }),
  };
}

/** The drafts as they stand in the outbox, from the number that the first one got. */
export function entriesOf(drafts: readonly OutboxDraft[], first: string): OutboxEntry[] {
  if (first === "") return [];
  return drafts.map((draft, index) => ({
    ...draft,
    id: (Number(first) + index).toString(36),
    state: "pending",
    attempts: 0,
  }));
}

/** The hash of replies, in order. */
export function readReplies(reply: Reply | undefined): OutboxEntry[] {
  return pairs(reply)
    .map(([number, stored]) => ({ number: Number(number), stored }))
    .sort((a, b) => a.number - b.number)
    .map(({ number, stored }) => {
      const [status = "", ref = "", ...rest] = stored.split("\n");
      const [state, attempts, time = ""] = status.split(" ");
      const isSending = state === "sending";
      return {
        ...readDraft(rest.join("\n")),
        ...(ref === "" ? {} : { ref: decode(ref) }),
        id: number.toString(36),
        state: isSending ? "sending" : "pending",
        attempts: Number(attempts),
        ...(time === "" ? {} : { [isSending ? "since" : "notBefore"]: Number(time) }),
      };
    });
}
