/** What a process of a measurement does for each message. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { Redis } from "ioredis";
import { Access } from "../../../src/core/access.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { builtinCommands } from "../../../src/core/commands/index.ts";
import { Inbox } from "../../../src/core/inbox.ts";
import type { ChannelId } from "../../../src/model.ts";
import { openRedisStore, type RedisStore } from "../../../src/stores/redis/store.ts";
import { DAY, message, startNullGateway } from "../nulls.ts";

/** One process's part of a measurement. */
export interface Share {
  readonly url: string;
  readonly mode: Mode;
  readonly replica: number;
  readonly replicas: number;
  /** How many messages it keeps in flight. */
  readonly inFlight: number;
  /** For `calls`: the bytes of one call's arguments and of its answer, and the calls of one message. */
  readonly size?: CallSize;
}

export interface CallSize {
  readonly calls: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Work {
  /** Resolves when the `number`th message of the channel is done. */
  one(channel: ChannelId, number: number): Promise<void>;
  /** Another process has settled a message that came in here. */
  settle(channel: ChannelId): void;
  close(): Promise<void>;
}

type Begin = (share: Share, settledHere: (channel: ChannelId) => void) => Promise<Work>;

/** The time that a lease of the product lasts. */
const LEASE = 3_000;

export function openStore(url: string): Promise<RedisStore> {
  const log = (problem: string) => console.error(problem);
  return openRedisStore({ url, clock: systemClock, dedupeFor: DAY, lease: LEASE, keep: 0, log });
}

export type Mode = "turns" | "accepts" | "raw accept" | "raw pair" | "calls" | "bullmq";

export const MODES: Readonly<Record<Mode, Begin>> = {
  /** Complete turns of a whole gateway. */
  turns: async ({ url, replica, replicas, inFlight }, settledHere) => {
    const store = await openStore(url);
    const nulls = await startNullGateway({
      store,
      concurrency: inFlight * replicas,
      replica: `r${replica}`,
      ...(replicas === 1 ? {} : { elsewhere: settledHere }),
    });
    while ((await nulls.gateway.operations.health()).replicas.length < replicas) await new Promise(setImmediate);
    return {
      one: async (channel, number) => {
        const settled = nulls.settled(channel);
        const taken = await nulls.channel.intake.take(message(channel, number));
        if (taken.status !== "queued") throw new Error(`A message was not queued: ${taken.status}`);
        await settled;
      },
      settle: nulls.settle,
      close: nulls.close,
    };
  },

  /** From the adapter's call to "durable", nobody working on what was taken. */
  accepts: async ({ url }) => {
    const store = await openStore(url);
    const inbox = new Inbox({
      store,
      access: new Access({ default: "allow", allow: [], admins: [] }),
      commands: builtinCommands(),
      asks: { press: async () => ({ text: "", ok: false }) },
      max: 100,
      emit: () => {},
      greet: () => {},
      missed: () => {},
      caughtUp: async () => {},
    });
    return {
      one: async (channel, number) => {
        const taken = await inbox.take(message(channel, number));
        if (taken.status !== "queued") throw new Error(`A message was not queued: ${taken.status}`);
      },
      settle: () => {},
      close: () => store.close(),
    };
  },

  /** The least that de-duplicates and enqueues. */
  "raw accept": async ({ url }) => {
    const { accept, close } = await rawScripts(url);
    return { one: accept, settle: () => {}, close };
  },

  /** The least that de-duplicates, enqueues and acknowledges: the floor of two scripts. */
  "raw pair": async ({ url }) => {
    const { accept, acknowledge, close } = await rawScripts(url);
    return {
      one: async (channel, number) => {
        await accept(channel, number);
        await acknowledge(channel, number);
      },
      settle: () => {},
      close,
    };
  },

  /** Scripts that do nothing, as many and with as many bytes as a turn's. */
  calls: async ({ url, size = { calls: 1, bytesIn: 0, bytesOut: 0 } }) => {
    const client = new Redis(url);
    const digest = String(await client.script("LOAD", "return string.rep('x', tonumber(ARGV[1]))"));
    const argument = "x".repeat(Math.max(0, Math.round(size.bytesIn) - CALL_OVERHEAD));
    return {
      one: async () => {
        for (let call = 0; call < size.calls; call += 1) {
          await client.evalsha(digest, 1, "sb:{0}:c", Math.round(size.bytesOut), argument);
        }
      },
      settle: () => {},
      close: async () => client.disconnect(),
    };
  },

  bullmq: async ({ url, inFlight }) => {
    const { Queue, Worker } = peer<BullMQ>("bullmq");
    const connection = { host: "127.0.0.1", port: Number(new URL(url).port) };
    const queue = new Queue("bench", { connection });
    const done = new Map<string, () => void>();
    const handle = async ({ name }: { name: string }) => {
      done.get(name)?.();
      done.delete(name);
    };
    const worker = new Worker("bench", handle, { connection, concurrency: inFlight });
    await worker.waitUntilReady();
    return {
      one: async (channel, number) => {
        const name = `${channel}/${number}`;
        const handled = new Promise<void>((resolve) => done.set(name, resolve));
        await queue.add(name, message(channel, number), { removeOnComplete: true });
        await handled;
      },
      settle: () => {},
      close: async () => {
        await worker.close();
        await queue.close();
      },
    };
  },
};

/** The bytes of a call besides what is counted: the command, the digest, lengths. */
const CALL_OVERHEAD = 110;

const ACCEPT = `
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('HSET', KEYS[3], 'at', ARGV[3])
return 1`;
const ACKNOWLEDGE = `
redis.call('LPOP', KEYS[1])
redis.call('HSET', KEYS[2], 'at', ARGV[1])
return 1`;

async function rawScripts(url: string) {
  const client = new Redis(url);
  const accept = String(await client.script("LOAD", ACCEPT));
  const acknowledge = String(await client.script("LOAD", ACKNOWLEDGE));
  return {
    accept: async (channel: ChannelId, number: number) => {
      const event = message(channel, number);
      const keys = [`{${channel}}:${event.id}`, `{${channel}}:i`, `{${channel}}:c`];
      const { id, sender, text, sentAt } = event;
      await client.evalsha(accept, 3, ...keys, DAY, JSON.stringify({ id, sender, text }), sentAt);
    },
    acknowledge: async (channel: ChannelId, number: number) => {
      await client.evalsha(acknowledge, 2, `{${channel}}:i`, `{${channel}}:c`, number);
    },
    close: async () => client.disconnect(),
  };
}

interface BullMQ {
  readonly Queue: new (
    name: string,
    options: object,
  ) => { add(name: string, data: object, options: object): Promise<unknown>; close(): Promise<void> };
  readonly Worker: new (
    name: string,
    handle: (job: { name: string }) => Promise<void>,
    options: object,
  ) => { waitUntilReady(): Promise<unknown>; close(): Promise<void> };
}

/** From the folder that `BENCH_PEERS` names: what this project is compared with is not a part of it. */
function peer<Module>(name: string): Module {
  return createRequire(join(process.env.BENCH_PEERS ?? "", "peers.js"))(name) as Module;
}
