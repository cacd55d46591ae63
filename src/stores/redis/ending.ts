/** The turn in flight: begun by a claim, ended by a commit or a failure; and how its replies are delivered. */
import type { ChannelId, MessageRef, SessionError, SessionPatch, Turn } from "../../model.ts";
import type { AskDraft, DeliveryOutcome, Fence, TurnCommit, TurnEnd, TurnFailure } from "../../store.ts";
import { mintAskId } from "../shared/ids.ts";
import { cardsOf, writeAsk } from "./askrows.ts";
import { type Context, staleFence } from "./context.ts";
import { encode } from "./keys.ts";
import { answeredReceipt, droppedReceipt, failedReceipt } from "./receipts.ts";
import { list, readHints, text } from "./reply.ts";
import { writePatch } from "./sessions.ts";
import { entriesOf, readTurn, writeDrafts } from "./turns.ts";

/** How many entries of a transcript are kept at least. */
const TRANSCRIPT = 2_000;

/** See `Store.claim`. */
export async function claim(
  context: Context,
  channel: ChannelId,
  fence: Fence,
  take: number,
): Promise<Turn | undefined> {
  const [status, turn] = list(await context.asOwner("claim", channel, fence, take));
  if (status === "stale") throw staleFence(channel);
  const claimed = readTurn(turn);
  if (claimed !== undefined) context.hints.change("state", channel);
  return claimed;
}

/** See `Store.commitTurn`. */
export async function commitTurn(
  context: Context,
  channel: ChannelId,
  fence: Fence,
  commit: TurnCommit,
): Promise<TurnEnd | { status: "cancelled" }> {
  const receipt = answeredReceipt(context.clock.now());
  const ending = { ...commit, outcome: "commit", cause: "the turn has ended" } as const;
  return (await end(context, channel, fence, ending, receipt)) ?? { status: "cancelled" };
}

/** See `Store.failTurn`. */
export async function failTurn(
  context: Context,
  channel: ChannelId,
  fence: Fence,
  failure: TurnFailure,
): Promise<TurnEnd> {
  const now = context.clock.now();
  const { outcome, cause } = failure;
  const receipt = outcome === "park" ? failedReceipt(now, cause) : droppedReceipt(now, cause);
  const ended = await end(context, channel, fence, failure, receipt);
  if (ended === undefined) throw new Error("only a commit can be refused for a cancellation");
  return ended;
}

/** `cause` is also why the turn's asks are withdrawn. */
type Ending = Omit<TurnFailure, "outcome"> & {
  readonly outcome: TurnFailure["outcome"] | "commit";
  readonly ask?: AskDraft;
};

/** Undefined where the turn was cancelled before. */
async function end(
  context: Context,
  channel: ChannelId,
  fence: Fence,
  { turn, outcome, cause, retryAt, take, transcript, session, outbox, ask }: Ending,
  receipt: string,
): Promise<TurnEnd | undefined> {
  const entries = transcript.map((entry) => JSON.stringify(entry));
  const fields = writePatch(session);
  const id = mintAskId(channel);
  const opening = ask === undefined ? [] : writeAsk(id, channel, ask, context.clock.now());
  const shown = (name: string) => (ask === undefined ? outbox : [...outbox, ...ask.outbox, ...cardsOf(name, ask)]);
  const drafts = writeDrafts(shown(id));
  const [status, first, next, opened, hints] = list(
    await context.asOwner(
      "end",
      channel,
      fence,
      turn,
      outcome,
      take,
      retryAt ?? "",
      TRANSCRIPT,
      receipt,
      cause,
      encode(`${channel}#`),
      encode(cause),
      entries.length,
      ...entries,
      fields.length,
      ...fields,
      opening.length,
      ...opening,
      drafts.length,
      ...drafts,
    ),
  );
  if (status === "stale") throw staleFence(channel);
  if (status === "cancelled") return undefined;
  context.hints.change("state", channel);
  for (const kind of readHints(hints)) context.hints.tell({ channel, kind });
  const claimed = readTurn(next);
  return {
    status: "ended",
    outbox: entriesOf(shown(text(opened)), text(first)),
    ...(claimed === undefined ? {} : { next: claimed }),
  };
}

/** See `Store.save`. */
export async function save(
  context: Context,
  channel: ChannelId,
  fence: Fence,
  { session, preview = "" }: { session?: SessionPatch; preview?: MessageRef },
): Promise<void> {
  const fields = session === undefined ? [] : writePatch(session);
  const changes = session === undefined ? 0 : 1;
  const saved = await context.asOwner("save", channel, fence, preview, changes, fields.length, ...fields);
  if (saved === 0) throw staleFence(channel);
  context.hints.change("state", channel);
}

/** See `Store.settleDelivery`. */
export async function settleDelivery(
  context: Context,
  channel: ChannelId,
  fence: Fence,
  id: string,
  outcome: DeliveryOutcome,
): Promise<void> {
  const sequence = Number.parseInt(id, 36);
  const isOurs = Number.isSafeInteger(sequence) && sequence.toString(36) === id;
  const details = detailsOf(outcome, context.clock.now(), `${channel}#reply:${id}`);
  const settled = await context.asOwner("settle", channel, fence, isOurs ? sequence : "", outcome.status, ...details);
  if (settled === 0) throw staleFence(channel);
  if (settled === 2) context.hints.tell({ channel, kind: "outbox" });
  if (outcome.status === "delivered" || outcome.status === "parked") context.hints.change("state", channel);
}

function detailsOf(outcome: DeliveryOutcome, at: number, letter: string): (string | number)[] {
  switch (outcome.status) {
    case "delivered":
      return [encode(outcome.shown?.ref ?? ""), outcome.shown?.version ?? ""];
    case "sending":
      return [outcome.at];
    case "placed":
      return [encode(outcome.ref)];
    case "failed":
      return [outcome.notBefore, outcome.forgetRef === true ? 1 : 0, outcome.uncounted === true ? 0 : 1];
    case "parked": {
      const error: SessionError = { code: "DELIVERY_FAILED", message: outcome.cause, at };
      return [JSON.stringify(error), outcome.cause, encode(letter)];
    }
  }
}
