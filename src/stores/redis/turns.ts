/** Turns, messages, commands and replies as the scripts keep them. */
import type { Cancellation, Control, Message, OutboxDraft, OutboxEntry, Turn } from "../../model.ts";
import { decode, encode } from "./keys.ts";
import { list, pairs, text, texts } from "./reply.ts";
import type { Reply } from "./scripts.ts";

/** A message in the inbox: its id as the scripts use it, a line's end, and all of it. */
export function readMessage(entry: string): Message {
  return JSON.parse(entry.slice(entry.indexOf("\n") + 1)) as Message;
}

/** What `viewTurn` in turns.lua gives. */
export function readTurn(reply: Reply | undefined): Turn | undefined {
  const [row, preview, cancelled, retryAt, messages] = list(reply);
  if (row === undefined) return undefined;
  const [id = "", , , , attempt, startedAt] = text(row).split(" ");
  return {
    id,
    attempt: Number(attempt),
    startedAt: Number(startedAt),
    ...(preview === "" ? {} : { preview: text(preview) }),
    ...(cancelled === "" ? {} : { cancelled: readCancellation(text(cancelled)) }),
    ...(retryAt === "" ? {} : { retryAt: Number(text(retryAt)) }),
    messages: texts(messages).map(readMessage),
  };
}

export function readCancellation(stored: string): Cancellation {
  return JSON.parse(stored.slice(stored.indexOf("\n") + 1)) as Cancellation;
}

/** The hash of commands, in the order of their arrival. */
export function readControls(reply: Reply | undefined): Control[] {
  return pairs(reply)
    .map(([, stored]) => {
      const [sequence = "", turn = "", dropped = "", ...rest] = stored.split("\n");
      const control = JSON.parse(rest.join("\n")) as Control;
      const effect =
        dropped === "" ? {} : { effect: { cancelledTurn: turn === "" ? null : turn, dropped: Number(dropped) } };
      return { sequence: Number(sequence), control: { ...control, ...effect } };
    })
    .sort((a, b) => a.sequence - b.sequence)
    .map(({ control }) => control);
}

/** Drafts as the scripts take them: the message to edit, or "", and what is to be said, in turn. */
export function writeDrafts(drafts: readonly OutboxDraft[]): string[] {
  return drafts.flatMap(({ kind, text, ref = "" }) => [encode(ref), JSON.stringify({ kind, text })]);
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
      const draft = JSON.parse(rest.join("\n")) as Pick<OutboxDraft, "kind" | "text">;
      return {
        ...draft,
        ...(ref === "" ? {} : { ref: decode(ref) }),
        id: number.toString(36),
        state: isSending ? "sending" : "pending",
        attempts: Number(attempts),
        ...(time === "" ? {} : { [isSending ? "since" : "notBefore"]: Number(time) }),
      };
    });
}
