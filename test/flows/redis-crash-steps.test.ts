/**
 * The connection to Redis is cut at each command of a turn in turn: before the command arrives, and after it was
 * carried out but its reply got lost. The gateway lives on, and the end is always the same, down to the keys.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { Gateway } from "../../src/core/gateway.ts";
import { SwitchboardError } from "../../src/errors.ts";
import { defineAgent } from "../../src/index.ts";
import { channelId } from "../../src/model.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { type CutAt, startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { LocalChannel } from "../support/local-channel.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

const AT_ONCE = 4;
const CHANNEL = channelId("local", "1");
const PLACEHOLDER = "…";
/** More commands than a turn has: a turn that never ends must not make this test endless. */
const MOST = 60;

const STORE = { clock: systemClock, dedupeFor: 86_400_000, lease: 3_000, keep: 0 };

interface Scene {
  /** The commands of it all; the cut one, where there was a cut. */
  readonly commands: readonly string[];
  readonly cut: readonly string[] | undefined;
  readonly end: unknown;
  readonly strays: number;
}

/** Says hello, is answered in two messages while the connection is cut at the n-th command, says bye, and looks. */
async function play(redis: RedisServer, n: number, at: CutAt): Promise<Scene> {
  // What a replica says of itself goes on beside the turn.
  const proxy = await startCutProxy(redis.port, {
    counts: ([name = "", , , key = ""]) => /^eval/i.test(name) && !key.includes("{m}"),
  });
  const query = `prefix=${at}-${n}&shards=1&beside=yes`;
  const store = await openRedisStore({ ...STORE, url: `${proxy.url}?${query}` });
  const channel = new LocalChannel({ maxTextLength: 100, minEditInterval: 30 });
  const runs: string[] = [];
  const agent = defineAgent(async function* ({ messages, attempt }) {
    const text = messages.map((message) => message.text).join("+");
    runs.push(`${text}, attempt ${attempt}`);
    yield `One half for ${text}. `;
    await pause(100);
    // Longer than one message of this platform: the second part has no preview to edit.
    yield `Another half, ${"and more, ".repeat(8)}and more. The end of ${text}.`;
  });
  const gateway = new Gateway({
    store,
    adapters: [channel],
    agents: { agent },
    access: { default: "allow", allow: [], admins: [] },
    replica: "r",
  });
  await gateway.start();
  // A platform repeats what was not taken.
  const say = (id: string, text: string) => soon(`${text} taken`, () => isTaken(channel, id, text));
  const answered = (text: string) =>
    soon(`${text} answered`, () => channel.texts(CHANNEL).some((shown) => shown.endsWith(`The end of ${text}.`)));

  let cut: readonly string[] | undefined;
  proxy.reset();
  if (n > 0) void proxy.cut(n, at).then((command) => (cut = command));
  await say("1", "hello");
  await answered("hello");
  proxy.disarm();
  await say("2", "bye");
  await answered("bye");
  await gateway.stop();
  const commands = [...proxy.commands];
  await store.close();
  await proxy.stop();
  const texts = channel.texts(CHANNEL);
  const shown = texts.filter((text) => text !== PLACEHOLDER);
  return {
    commands,
    cut,
    end: { runs, shown, ...(await stored(redis, query)) },
    strays: texts.length - shown.length,
  };
}

/** What is left in Redis, but for times and for ids made by chance. */
async function stored(redis: RedisServer, query: string): Promise<Record<string, unknown>> {
  const store = await openRedisStore({ ...STORE, url: `${redis.url}?${query}` });
  try {
    const session = await store.current(CHANNEL);
    const transcript = await store.transcript(session?.id ?? "", { limit: 100 });
    const receipts = await Promise.all(["1", "2"].map((id) => store.receipt(CHANNEL, id)));
    const keys = await redis.command("KEYS", `${new URLSearchParams(query).get("prefix")}:{0}:*`);
    if (!Array.isArray(keys)) throw new Error("KEYS answers no list");
    return {
      turns: session?.stats.turns,
      said: transcript.entries.map(({ role, text }) => `${role}: ${text}`),
      receipts: receipts.map((view) => view?.receipt.state),
      stats: await store.stats(),
      keys: keys.map((key) => String(key).split(":")[2]).sort(),
    };
  } finally {
    await store.close();
  }
}

async function isTaken(channel: LocalChannel, id: string, text: string): Promise<boolean> {
  try {
    await channel.say("1", id, text);
    return true;
  } catch (error) {
    if (error instanceof SwitchboardError && error.code === "STORE_UNAVAILABLE") return false;
    throw error;
  }
}

/** Like `eventually`, but leaves the processor to the others in between. */
function soon(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  return eventually(async () => {
    await pause(5);
    return await condition();
  }, what);
}

test("the connection cut at each command of a turn: the end is always the same", async () => {
  const redis = await startRedis({ appendfsync: "off" });
  const whole = await play(redis, 0, "before");
  expect(whole.end).toMatchObject({ runs: ["hello, attempt 1", "bye, attempt 1"], receipts: ["answered", "answered"] });

  const report: string[] = [];
  for (const at of ["before", "after"] as const) {
    let n = 0;
    let over = false;
    const player = async () => {
      while (!over) {
        const here = ++n;
        const scene = await play(redis, here, at);
        if (scene.cut === undefined) over = true;
        expect(scene.end, `cut ${at} command ${here}`).toEqual(whole.end);
        // At most the empty placeholder whose reference the cut lost.
        expect(scene.strays).toBeLessThanOrEqual(1);
        expect(here).toBeLessThan(MOST);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, player));
    report.push(`${n - 1} commands cut ${at}`);
  }
  console.log(`${report.join(", ")}; undisturbed ${whole.commands.length} commands for two messages`);
}, 240_000);
