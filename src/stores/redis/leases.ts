/** Taking a channel over, and what its owner has to do besides turns. */
import type { ChannelId, NewSession, OutboxEntry, Session } from "../../model.ts";
import type { Acquired, ControlEnd, Fence, Pending } from "../../store.ts";
import { mintSessionId } from "../shared/ids.ts";
import { readAsks } from "./askrows.ts";
import { type Context, staleFence } from "./context.ts";
import { encode } from "./keys.ts";
import { replicaOf } from "./members.ts";
import { list, number, pairs, readHints, text } from "./reply.ts";
import type { Reply } from "./scripts.ts";
import { readSession, writePatch, writeSettings } from "./sessions.ts";
import { entriesOf, readControls, readReplies, readTurn, writeDrafts, writeMessage } from "./turns.ts";

/** See `Store.acquire`. */
export async function acquire(
  context: Context,
  channel: ChannelId,
  replica: string,
  fresh: NewSession,
): Promise<Acquired> {
  await context.do(() => context.members.join(replica));
  const self = context.members.self(replica);
  let reply = list(await attempt(context, channel, self, "", fresh));
  if (text(reply[0]) === "elsewhere") {
    const owner = text(reply[1]);
    // Its life is over for good: if the channel is still its own in the next step, it can't have another owner.
    if (await context.do(() => context.members.isDead(owner))) {
      reply = list(await attempt(context, channel, self, owner, fresh));
    }
    if (text(reply[0]) === "elsewhere") return { status: "elsewhere", owner: replicaOf(text(reply[1])) };
  }
  const [, fence, fields, turn, waiting, controls, outbox, isNew, id, asks] = reply;
  if (isNew === 1) context.hints.change("state", channel);
  const interrupted = readTurn(turn);
  return {
    status: "owned",
    lease: {
      fence: number(fence),
      session: sessionOf(text(id), fields),
      ...(interrupted === undefined ? {} : { interrupted }),
      waiting: number(waiting),
      asks: readAsks(asks),
      controls: readControls(controls),
      outbox: readReplies(outbox),
    },
  };
}

function attempt(context: Context, channel: ChannelId, self: string, dead: string, fresh: NewSession) {
  return context.onChannel("acquire", channel, self, dead, ...writeFresh(channel, fresh));
}

/** A new session as the scripts take it. */
function writeFresh(channel: ChannelId, { source, agent, title, settings, project = "" }: NewSession): string[] {
  return [mintSessionId(channel), source, agent, title, writeSettings(settings), project];
}

/** See `Store.release`. */
export async function release(context: Context, channel: ChannelId, fence: Fence): Promise<void> {
  const left = await context.asOwner("release", channel, fence);
  // Whoever takes it looks at all that there is.
  if (left === 1) context.hints.work("inbox", channel, "");
}

/** See `Store.pending`. */
export async function readPending(context: Context, channel: ChannelId, fence: Fence): Promise<Pending> {
  const [status, controls, outbox] = list(await context.asOwner("pending", channel, fence));
  if (status === "stale") throw staleFence(channel);
  return { controls: readControls(controls), outbox: readReplies(outbox) };
}

/** See `Store.finishControl`. */
export async function finishControl(
  context: Context,
  channel: ChannelId,
  fence: Fence,
  { control, outbox, session, renew, restore, replay, enqueue, withdraw }: ControlEnd,
): Promise<{ session: Session; outbox: OutboxEntry[] }> {
  const fields = session === undefined ? [] : writePatch(session);
  const fresh = renew === undefined ? [] : writeFresh(channel, renew);
  const message = enqueue === undefined ? [] : [encode(enqueue.id), writeMessage(enqueue)];
  const asks = withdraw?.asks.map(encode) ?? [];
  const drafts = writeDrafts(outbox);
  const [status, id, row, first, hints] = list(
    await context.asOwner(
      "finish",
      channel,
      fence,
      encode(control),
      context.keep,
      context.dedupeFor,
      replay === undefined ? "" : encode(replay),
      encode(withdraw?.reason ?? ""),
      encode(restore ?? ""),
      fields.length,
      ...fields,
      fresh.length,
      ...fresh,
      message.length,
      ...message,
      asks.length,
      ...asks,
      drafts.length,
      ...drafts,
    ),
  );
  if (status === "stale") throw staleFence(channel);
  context.hints.change("state", channel);
  for (const kind of readHints(hints)) context.hints.tell({ channel, kind });
  return { session: sessionOf(text(id), row), outbox: entriesOf(outbox, text(first)) };
}

function sessionOf(id: string, fields: Reply | undefined): Session {
  const session = readSession(id, pairs(fields));
  if (session === undefined) throw new Error(`the session ${id} of an owned channel has no row`);
  return session;
}
