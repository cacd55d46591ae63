/** One process of a measurement: when its parent says so, it keeps its share of the messages in flight. */
import { type ChannelId, channelId } from "../../../src/model.ts";
import { closedLoop, Latencies } from "../load.ts";
import { MODES, type Share, type Work } from "./work.ts";

/** What the parent says. */
export type Order =
  | { readonly kind: "run"; readonly channels: number; readonly from: number; readonly each: number }
  | { readonly kind: "settled"; readonly channels: readonly ChannelId[] }
  | { readonly kind: "close" };

/** What the process says. Times are microseconds on the clock that all processes of a machine share. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "settled"; readonly to: number; readonly channels: readonly ChannelId[] }
  | {
      readonly kind: "done";
      readonly began: number;
      readonly ended: number;
      readonly cpu: number;
      readonly latencies: readonly number[];
    };

export async function runReplica(share: Share): Promise<void> {
  const settledHere = new Backchannel(share.replicas);
  const work = await MODES[share.mode](share, (channel) => settledHere.add(channel));
  process.on("message", (order: Order) => {
    void obey(order, share, work);
  });
  report({ kind: "ready" });
}

async function obey(order: Order, share: Share, work: Work): Promise<void> {
  switch (order.kind) {
    case "settled":
      for (const channel of order.channels) work.settle(channel);
      break;
    case "run":
      report(await run(order, share, work));
      break;
    case "close":
      await work.close();
      process.disconnect();
      break;
  }
}

async function run(
  { channels, from, each }: Order & { kind: "run" },
  { replica, replicas, inFlight }: Share,
  work: Work,
): Promise<Report> {
  const mine = Array.from({ length: channels }, (_, index) => index)
    .filter((index) => index % replicas === replica)
    .map((index) => channelId("web", String(index)));
  const latencies = new Latencies();
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const began = now();
  await closedLoop(mine.length * each, inFlight, async (index) => {
    const channel = mine[index % mine.length];
    if (channel === undefined) throw new Error("There are more replicas than channels.");
    const sent = performance.now();
    await work.one(channel, from + Math.floor(index / mine.length));
    latencies.since(sent);
  });
  const ended = now();
  const { user, system } = process.cpuUsage(cpu);
  return { kind: "done", began, ended, cpu: user + system, latencies: latencies.all() };
}

/** Tells the processes that messages came in through that they are settled, those of one moment together. */
class Backchannel {
  readonly #replicas: number;
  #waiting: ChannelId[] = [];

  constructor(replicas: number) {
    this.#replicas = replicas;
  }

  add(channel: ChannelId): void {
    if (this.#waiting.push(channel) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let to = 0; to < this.#replicas; to += 1) {
      const channels = waiting.filter((channel) => Number(channel.slice("web:".length)) % this.#replicas === to);
      if (channels.length > 0) report({ kind: "settled", to, channels });
    }
  }
}

function now(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function report(what: Report): void {
  process.send?.(what);
}
