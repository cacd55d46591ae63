/** Lists of sessions over several shards, against a naive look at all of them. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { channelId, type Session } from "../../src/model.ts";
import type { SessionQuery, Store } from "../../src/store.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { claim, commit, event, own, Place } from "./redis-stage.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ appendfsync: "off" });
});
afterAll(() => server.stop());

describe("lists", () => {
  test("give what a naive look at all sessions gives, whatever is asked for", async () => {
    const place = new Place(server);
    const store = await place.open();
    const all = await sessionsOf(place, store);
    const now = place.clock.now();
    const times = all.flatMap(({ lastActivityAt: at }) => [at - 30_000, at - 1, at, at + 1, at + 30_000]);
    const time = fc.constantFrom(0, ...times, now + 120_000);
    const queries: fc.Arbitrary<SessionQuery> = fc
      .record(
        {
          channel: fc.constantFrom(...all.map(({ channel }) => channel), channelId("local", "none")),
          adapter: fc.constantFrom("local", "web", "none"),
          source: fc.constantFrom("channel", "manual", "cron"),
          agent: fc.constantFrom("a", "b", "none"),
          text: fc.constantFrom("TALK", "1", "talk 2", all[3]?.id.slice(4, 9).toUpperCase() ?? "", ""),
          from: time,
          to: time,
          archived: fc.boolean(),
        },
        { requiredKeys: [] },
      )
      .chain((query) => fc.constantFrom(1, 2, 3, 7, 50, 1_000).map((limit) => ({ ...query, limit })));
    await fc.assert(
      fc.asyncProperty(queries, async (query) => {
        const found = all.filter((session) => matches(query, session));
        const rest = found.filter(({ pinned }) => !pinned).sort(newestFirst);
        const pages: string[][] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
          pages.push(page.sessions.map(({ id }) => id));
          cursor = page.cursor;
        } while (cursor !== undefined && pages.length < 1_000);
        const pinned = found.filter((session) => session.pinned).sort(newestFirst);
        expect(pages.flat()).toEqual([...pinned, ...rest].map(({ id }) => id));
        expect(pages).toHaveLength(Math.max(1, Math.ceil(rest.length / query.limit)));
        expect(pages[0]).toHaveLength(pinned.length + Math.min(query.limit, rest.length));
      }),
      { numRuns: 150 },
    );
  });

  test("a cursor that was made up harms nothing", async () => {
    const place = new Place(server);
    const store = await place.open();
    await own(store);
    for (const cursor of ["", "x", "(", "+", "999999999.", "000000000.", "[999999999.a", "999999999.\ud83d"]) {
      expect((await store.list({ limit: 3, cursor })).sessions.length, cursor).toBeLessThanOrEqual(1);
    }
    expect(await store.list({ limit: 0 })).toEqual({ sessions: [] });
  });
});

/** Sessions of several channels, adapters, sources and agents; some pinned, some archived, some of the same minute. */
async function sessionsOf(place: Place, store: Store): Promise<Session[]> {
  const ids: string[] = [];
  for (let index = 0; index < 40; index += 1) {
    const channel = channelId(index % 3 === 0 ? "web" : "local", `${index}`);
    const acquired = await store.acquire(channel, "a", {
      source: (["channel", "manual", "cron"] as const)[index % 3] ?? "channel",
      agent: index % 4 === 0 ? "a" : "b",
      title: `Talk ${index}`,
    });
    if (acquired.status !== "owned") throw new Error("no other replica is there");
    const { fence, session } = acquired.lease;
    ids.push(session.id);
    if (index % 5 === 0) {
      await store.signal(event("n", { channel }), { command: "new", args: "", reason: "" });
      const renew = { source: "manual", agent: "b", title: "Renewed" } as const;
      const pin = index % 10 === 0 ? { session: { pinned: true } } : {};
      ids.push((await store.finishControl(channel, fence, { control: "n", outbox: [], renew, ...pin })).session.id);
    } else if (index % 7 === 0) {
      await store.save(channel, fence, { session: { pinned: true } });
    }
    if (index % 4 !== 0) place.clock.advance(index % 6 === 0 ? 400_000 : 20_000);
    // An older one is active again.
    if (index % 9 === 8) {
      const older = channelId(index % 3 === 2 ? "local" : "web", `${index - 1}`);
      const lease = await own(store, older);
      await commit(store, lease, await claim(store, lease, "again"));
    }
  }
  const sessions = await Promise.all(ids.map((id) => store.get(id)));
  return sessions.filter((session) => session !== undefined);
}

function matches(query: SessionQuery, session: Session): boolean {
  const { channel, adapter, source, agent, text = "", from = 0, to = Infinity, archived = false } = query;
  const sought = text.toLowerCase();
  return (
    (archived || session.archivedAt === undefined) &&
    (channel ?? session.channel) === session.channel &&
    session.channel.startsWith(`${adapter ?? ""}`) &&
    (source ?? session.source) === session.source &&
    (agent ?? session.agent) === session.agent &&
    session.lastActivityAt >= from &&
    session.lastActivityAt <= to &&
    [session.title, session.id].some((part) => part.toLowerCase().includes(sought))
  );
}

function newestFirst(a: Session, b: Session): number {
  const minute = ({ lastActivityAt }: Session) => Math.floor(lastActivityAt / 60_000);
  return minute(b) - minute(a) || (a.id < b.id ? 1 : -1);
}
