/**
 * A thousand plans wait while a gateway is killed and started again: each that is due is reminded of, none before its
 * time or twice within its cooldown, never faster than Telegram allows, and none is forgotten. `SOAK=1` lets all of them
 * fall due, on both stores, and that again and again.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { User } from "grammy/types";
import { expect, onTestFailed, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { ChannelId, Clock } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { GatewayProcess } from "../support/process.ts";
import { startRedis } from "../support/redis.ts";
import { startTelegramTwin, type TelegramTwin, type TwinChat } from "../twins/telegram/index.ts";
import { askApi, eventually, STORES, type StoreKind, TOKEN } from "./asks-stage.ts";

const PLANS = 1_000;
const IS_LONG = process.env.SOAK !== undefined;
/** How many of them fall due while the test lasts. */
const DUE = IS_LONG ? PLANS : 120;
/** How often each of those is reminded of. */
const ROUNDS = IS_LONG ? 3 : 1;
const REMIND_EVERY = IS_LONG ? 60_000 : 300_000;
/** Messages and edits that Telegram takes from one bot in a second. */
const PACE = 30;
const DAY = 86_400_000;
const REPLICA = "seed";

interface Waiting {
  readonly person: User;
  readonly chat: TwinChat;
  readonly openedAt: number;
}

for (const kind of IS_LONG ? STORES : (["redis"] as const)) {
  test(`${PLANS} plans wait on ${kind}, and ${DUE} of them fall due`, async () => {
    const twin = await startTelegramTwin();
    onTestFinished(() => twin.stop());
    const home = temporaryFolder();
    const url = kind === "redis" ? (await startRedis()).url : "lmdb:./data";
    // Those that are due were opened so long ago that they are; the first reminder is the only one for another while.
    const due = await seed(await openStore(kind, url, home, REMIND_EVERY), twin, DUE);
    const all = [...due, ...(await seed(await openStore(kind, url, home, 0), twin, PLANS - DUE))];
    const gateway = new GatewayProcess(
      home,
      `store: { url: "${url}" }
adapters: { telegram: { type: telegram, token: "${twin.token}", apiRoot: "${twin.apiRoot}" } }
http: { port: 0, token: "${TOKEN}" }
access: { default: allow }
asks: { remindEvery: ${REMIND_EVERY}ms }`,
    );
    onTestFailed(() => console.error(gateway.stderr.slice(-4_000)));

    const begun = Date.now();
    await gateway.start();
    const reminded = (times: number) => due.filter(({ chat }) => remindersIn(chat).length >= times).length;
    const shows = (times: number, count: number) =>
      eventually(
        () => reminded(times) >= count,
        () => `${count} are reminded of ${times} times; ${reminded(times)} are`,
        ROUNDS * 300_000,
      );
    await shows(1, DUE / 4);
    await gateway.kill();
    await gateway.start();
    await shows(ROUNDS, DUE);
    const seconds = (Date.now() - begun) / 1_000;
    await eventually(
      async () => (await askApi<{ undelivered: number }>(gateway, "stats")).undelivered === 0,
      () => "everything is delivered",
    );
    expect(await openAsks(gateway)).toBe(PLANS);
    for (const { chat, openedAt } of all) {
      const [card, ...others] = chat.messages();
      const reminders = remindersIn(chat);
      // A crash may leave an empty placeholder, and nothing else.
      expect(others.filter(({ text }) => text !== "…")).toEqual(reminders);
      expect(reminders.length).toBeGreaterThanOrEqual(openedAt < begun - REMIND_EVERY ? ROUNDS : 0);
      for (const [earlier, { replyTo, versions }] of reminders.entries()) {
        expect(replyTo).toBe(card?.id);
        expect(versions[0]?.at).toBeGreaterThanOrEqual(openedAt + REMIND_EVERY * (2 ** (earlier + 1) - 1));
      }
    }
    await decideByReminder(due[0]);
    await gateway.signal("SIGTERM");

    const calls = callsSince(twin, begun);
    console.log(
      `${kind}: ${PLANS} plans, ${DUE} due, reminded of ${ROUNDS} times in ${seconds.toFixed(1)} s with a kill -9 in ` +
        `between: ${calls.length} messages and edits, at most ${busiest(calls, 1_000)} in a second, ` +
        `${busiest(calls, 5_000)} in five`,
    );
    expect(busiest(calls, 5_000)).toBeLessThanOrEqual(5 * PACE);
  }, 1_800_000);
}

/** Each in a chat of its own, as a gateway would leave it: shown, and waiting. Closes the store. */
async function seed(store: Store, twin: TelegramTwin, count: number): Promise<Waiting[]> {
  try {
    const all: Waiting[] = [];
    while (all.length < count) {
      await store.heartbeat(REPLICA);
      const some = Array.from({ length: Math.min(100, count - all.length) }, () => seedOne(store, twin));
      all.push(...(await Promise.all(some)));
    }
    return all;
  } finally {
    await store.close();
  }
}

async function seedOne(store: Store, twin: TelegramTwin): Promise<Waiting> {
  const person = twin.user();
  const chat = twin.privateChat(person);
  const channel: ChannelId = `telegram:${chat.id}`;
  const requester = { id: `telegram:${person.id}`, name: person.first_name };
  const text = `1. Do what ${person.first_name} wants`;
  const ref = await post(twin, chat, text);
  const acquired = await store.acquire(channel, REPLICA, { source: "channel", agent: "demo", title: "" });
  if (acquired.status === "elsewhere") throw new Error(`${channel} is ${acquired.owner}'s`);
  const { fence, session } = acquired.lease;
  const { ask, outbox } = await store.openAsk(channel, fence, {
    request: { kind: "plan", text },
    requester,
    approvers: "requester",
    key: crypto.randomUUID(),
    context: {
      messages: [{ id: "1", sender: requester, text, sentAt: session.createdAt, acceptedAt: session.createdAt }],
    },
    dueAt: session.createdAt + REMIND_EVERY,
    outbox: [],
  });
  for (const { id } of outbox) {
    await store.settleDelivery(channel, fence, id, { status: "delivered", shown: { ref, version: ask.version } });
  }
  await store.release(channel, fence);
  return { person, chat, openedAt: ask.openedAt };
}

/** The store as it was so many milliseconds ago. */
async function openStore(kind: StoreKind, url: string, home: string, ago: number): Promise<Store> {
  const clock: Clock = { now: () => systemClock.now() - ago, after: systemClock.after };
  const options = { clock, dedupeFor: DAY };
  if (kind === "redis") return await openRedisStore({ ...options, url, lease: 60_000, keep: 0 });
  const path = join(home, "data");
  mkdirSync(path, { recursive: true });
  return await openLmdbStore({ ...options, path });
}

/** What the bot posted in an earlier life; its id. */
async function post({ apiRoot, token }: TelegramTwin, chat: TwinChat, text: string): Promise<string> {
  const body = JSON.stringify({ chat_id: chat.id, text });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${apiRoot}/bot${token}/sendMessage`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`not posted: ${await response.text()}`);
  return String(chat.messages().at(-1)?.id);
}

/** Both messages that show it say so then, and offer nothing any more. */
async function decideByReminder(waiting: Waiting | undefined): Promise<void> {
  if (waiting === undefined) throw new Error("nothing is due");
  const { person, chat } = waiting;
  chat.press(person, remindersIn(chat)[0]?.id ?? 0, "Approve");
  const shown = () => chat.messages().filter(({ text }) => text !== "…");
  await eventually(
    () => shown().filter(({ text }) => text.includes(`✅ Approved by ${person.first_name}`)).length === ROUNDS + 1,
    () => `the decision is shown: ${JSON.stringify(shown())}`,
  );
  expect(shown().map(({ replyMarkup }) => replyMarkup)).toEqual(shown().map(() => undefined));
}

function remindersIn(chat: TwinChat) {
  return chat.messages().filter(({ text }) => text.startsWith("⏰"));
}

async function openAsks(gateway: GatewayProcess): Promise<number> {
  let count = 0;
  for (let cursor = ""; ; ) {
    const next = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await askApi<{ asks: unknown[]; cursor?: string }>(gateway, `asks?limit=100${next}`);
    count += page.asks.length;
    if (page.cursor === undefined) return count;
    cursor = page.cursor;
  }
}

/** When messages and edits arrived, oldest first. */
function callsSince(twin: TelegramTwin, begun: number): number[] {
  return [...twin.calls("sendMessage"), ...twin.calls("editMessageText")]
    .map(({ at }) => at)
    .filter((at) => at >= begun)
    .sort((a, b) => a - b);
}

/** The most that arrived within so many milliseconds. */
function busiest(times: readonly number[], span: number): number {
  let most = 0;
  let first = 0;
  for (const [last, at] of times.entries()) {
    while ((times[first] ?? at) <= at - span) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
