import { channelId } from "../../../src/model.ts";
import { type Benchmark, type Figures, show } from "../benchmark.ts";
import { closedLoop } from "../load.ts";
import { message } from "../nulls.ts";
import { storeRedisSessions } from "./dataset.ts";
import { readMemory, startBenchRedis } from "./server.ts";
import { openStore } from "./work.ts";

const SESSIONS = 50_000;
const CHANNELS = 1_000;
const WAITING_EACH = 50;
const AT_ONCE = 256;

export const redisMemory: Benchmark = {
  name: "redis-memory",
  title: "Redis: memory of what is stored",
  rounds: 1,
  variants: {
    "an idle session after one turn: session, transcript of 2, receipt, row, index": weighSessions,
    "a message that waits, with its receipt": () => weighMessages(1, WAITING_EACH),
    "the first message of a channel without a session: its row too": () => weighMessages(0, 1),
  },
  report: (results) => [
    ["", "B each", "of them"],
    ...Object.keys(redisMemory.variants).map((variant) => [
      variant,
      ...["bytes", "count"].map((figure) => show(results.median(variant, figure))),
    ]),
  ],
};

async function weighSessions(): Promise<Figures> {
  const server = await startBenchRedis();
  const before = await readMemory(server);
  await storeRedisSessions(server, SESSIONS);
  const bytes = (await readMemory(server)) - before;
  await server.stop();
  return { bytes: bytes / SESSIONS, count: SESSIONS };
}

/** What the messages `from` … of each channel add. */
async function weighMessages(from: number, to: number): Promise<Figures> {
  const server = await startBenchRedis();
  const store = await openStore(server.url);
  const send = async (first: number, each: number) => {
    await closedLoop(CHANNELS * each, AT_ONCE, async (index) => {
      const channel = channelId("web", String(index % CHANNELS));
      const event = message(channel, first + Math.floor(index / CHANNELS));
      await store.accept(event, { max: WAITING_EACH, fullNotice: "" });
    });
  };
  await send(0, from);
  const before = await readMemory(server);
  await send(from, to - from);
  const bytes = (await readMemory(server)) - before;
  await store.close();
  await server.stop();
  const count = CHANNELS * (to - from);
  return { bytes: bytes / count, count };
}
