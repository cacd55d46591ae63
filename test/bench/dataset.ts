import { systemClock } from "../../src/core/clock.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import type { StoredSessions } from "./benchmark.ts";
import { temporaryFolder } from "./folders.ts";
import { closedLoop } from "./load.ts";
import { DAY, message } from "./nulls.ts";

const AT_ONCE = 2_048;
/** Each heartbeat looks at all channels that had work since the last one. */
const HEARTBEAT_EVERY = 20_000;

export const FRESH = { source: "channel", agent: "null", title: "" } as const;

export function storedChannel(index: number): ChannelId {
  return channelId("web", `stored-${String(index).padStart(8, "0")}`);
}

/** The same channels in each run, far from one another, none twice. */
export function scattered(count: number, { count: stored }: StoredSessions): ChannelId[] {
  return Array.from({ length: Math.min(count, stored) }, (_, i) => storedChannel((i * 2_654_435_761) % stored));
}

/** Fills a folder with `count` sessions, each idle after one turn. */
export async function storeSessions(count: number): Promise<StoredSessions> {
  const folder = temporaryFolder();
  const began = performance.now();
  const store = await openLmdbStore({ path: folder, clock: systemClock, dedupeFor: DAY });
  for (let done = 0; done < count; done += HEARTBEAT_EVERY) {
    const more = Math.min(HEARTBEAT_EVERY, count - done);
    await closedLoop(more, AT_ONCE, (index) => storeSession(store, storedChannel(done + index)));
    await store.heartbeat("main");
  }
  await store.close();
  console.error(`${count} sessions stored in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  return { count, place: folder };
}

export async function storeSession(store: Store, channel: ChannelId): Promise<void> {
  const event = message(channel, 0);
  const accepted = store.accept(event, { max: 100, fullNotice: "" });
  const acquired = await store.acquire(channel, "main", FRESH);
  await accepted;
  if (acquired.status !== "owned") throw new Error(`${channel} belongs to ${acquired.owner}.`);
  const { fence } = acquired.lease;
  const turn = await store.claim(channel, fence, 1);
  if (!turn) throw new Error(`${channel} has no message.`);
  const end = await store.commitTurn(channel, fence, {
    turn: turn.id,
    transcript: [
      { role: "user", text: event.text, at: event.sentAt, turn: turn.id, sender: event.sender },
      { role: "assistant", text: event.text, at: event.sentAt, turn: turn.id },
    ],
    session: { title: event.text.slice(0, 60) },
    outbox: [{ kind: "answer", text: event.text }],
    take: 0,
  });
  const [reply] = end.status === "ended" ? end.outbox : [];
  if (reply) await store.settleDelivery(channel, fence, reply.id, { status: "delivered" });
  await store.release(channel, fence);
}
