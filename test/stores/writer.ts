/**
 * A process that runs whole turns in many channels at once until it is killed, and prints what the store has
 * acknowledged, one JSON line each, only after it has. Arguments: folder, prefix of its message ids.
 */
import type { ChannelId } from "../../src/model.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";

const [path = "", prefix = ""] = process.argv.slice(2);
const store = await openLmdbStore({ path, clock: { now: Date.now, after: () => () => {} }, dedupeFor: 3_600_000 });

function acknowledged(what: string, channel: ChannelId, id: string): void {
  // Not `writeSync`: it fails where the reader is slow and the pipe full. What a kill leaves unwritten counts as not acknowledged.
  process.stdout.write(`${JSON.stringify({ what, channel, id })}\n`);
}

async function chat(channel: ChannelId): Promise<never> {
  const acquired = await store.acquire(channel, "writer", { source: "channel", agent: "demo", title: channel });
  if (acquired.status !== "owned") throw new Error("owned elsewhere");
  const { fence } = acquired.lease;
  let turn = await store.claim(channel, fence, 1);
  for (let number = 0; ; number += 1) {
    const id = `${prefix}.${number}`;
    const sender = { id: "web:1", name: "Ann" };
    const event = {
      channel,
      id,
      sender,
      text: id.repeat(1 + (number % 400)),
      sentAt: 1,
      addressed: true,
      direct: true,
    };
    await store.accept(event, { max: 1_000, fullNotice: "" });
    acknowledged("accepted", channel, id);
    turn ??= await store.claim(channel, fence, 1);
    const message = turn?.messages[0];
    if (turn === undefined || message === undefined) continue;
    const ended = await store.commitTurn(channel, fence, {
      turn: turn.id,
      transcript: [{ role: "assistant", text: message.id, at: 1, turn: turn.id }],
      session: {},
      outbox: [{ kind: "answer", text: message.id }],
      take: 1,
    });
    if (ended.status !== "ended") throw new Error("nobody cancels here");
    acknowledged("answered", channel, message.id);
    for (const { id: reply } of ended.outbox) {
      await store.settleDelivery(channel, fence, reply, { status: "delivered" });
      acknowledged("delivered", channel, message.id);
    }
    turn = ended.next;
  }
}

await Promise.all(Array.from({ length: 12 }, (_, index) => chat(`web:${index}`)));
