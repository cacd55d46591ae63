/**
 * Several gateways on one Redis, which come, go, crash and lose their connection in any order while people talk: every
 * message is answered once, whole, and in order in its chat.
 */
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type AdapterHealth,
  type ChannelAdapter,
  DeliveryError,
  type Editing,
  type Intake,
} from "../../src/channel.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Gateway } from "../../src/core/gateway.ts";
import { defineAgent } from "../../src/index.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import { openRedisStore, type RedisStore } from "../../src/stores/redis/store.ts";
import { type CutProxy, startCutProxy } from "../support/cut-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

const CHATS = ["a", "b", "c"];
const REPLICAS = 3;
const LEASE = 600;

let redis: RedisServer;
let proxy: CutProxy;
beforeAll(async () => {
  redis = await startRedis();
  proxy = await startCutProxy(redis.port);
}, 30_000);
afterAll(async () => {
  await proxy.stop();
  await redis.stop();
});

/** What people see, whichever gateway wrote it. */
class Platform {
  readonly shown = new Map<ChannelId, { ref: string; text: string }[]>();
  #refs = 0;

  post(channel: ChannelId, text: string): string {
    const ref = String(++this.#refs);
    this.shown.set(channel, [...(this.shown.get(channel) ?? []), { ref, text }]);
    return ref;
  }

  edit(channel: ChannelId, ref: string, text: string): void {
    const message = this.shown.get(channel)?.find((each) => each.ref === ref);
    if (message === undefined) throw new DeliveryError("gone", "no such message");
    message.text = text;
  }

  answers(chat: string): string[] {
    const texts = (this.shown.get(channelId("local", chat)) ?? []).map(({ text }) => text);
    return texts.filter((text) => text.startsWith("answer to"));
  }
}

class Account implements ChannelAdapter, Editing {
  readonly name = "local";
  readonly limits = { maxTextLength: 4_096, minEditInterval: 5, repeatableSend: false };
  readonly #platform: Platform;
  intake: Intake | undefined;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  async start(intake: Intake): Promise<void> {
    this.intake = intake;
  }
  async stop(): Promise<void> {
    this.intake = undefined;
  }
  async close(): Promise<void> {}
  health(): AdapterHealth {
    return { state: "connected" };
  }
  split(markdown: string): string[] {
    return [markdown];
  }
  async send(channel: ChannelId, text: string): Promise<string> {
    await pause(1);
    return this.#platform.post(channel, text);
  }
  async edit(channel: ChannelId, ref: string, text: string): Promise<void> {
    await pause(1);
    this.#platform.edit(channel, ref, text);
  }
}

interface Replica {
  readonly store: RedisStore;
  readonly gateway: Gateway;
  readonly account: Account;
}

class Scene {
  readonly platform = new Platform();
  readonly said = new Map<string, string[]>(CHATS.map((chat) => [chat, []]));
  readonly replicas: (Replica | undefined)[] = [];
  readonly faults: unknown[] = [];
  readonly #prefix: string;
  readonly #talk: Promise<void>[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  async start(index: number): Promise<void> {
    if (this.replicas[index]) return;
    const url = `redis://127.0.0.1:${proxy.port}?prefix=${this.#prefix}&shards=4&beside=yes`;
    const store = await openRedisStore({ url, clock: systemClock, dedupeFor: 86_400_000, lease: LEASE, keep: 0 });
    const account = new Account(this.platform);
    const agent = defineAgent(async function* ({ messages }) {
      yield "answer ";
      await pause(10 + Math.random() * 30);
      yield `to ${messages.map(({ text }) => text).join()}`;
    });
    const gateway = new Gateway({
      store,
      adapters: [account],
      agents: { agent },
      access: { default: "allow", allow: [], admins: [] },
      queue: { attempts: 50 },
      replica: `r${index}`,
      grace: 200,
      emit: (event) => {
        if (event.type === "fault") this.faults.push(event.error);
      },
    });
    await gateway.start();
    this.replicas[index] = { store, gateway, account };
  }

  /** The platform delivers until somebody has taken it; a chat's messages one behind the other. */
  say(chat: string): void {
    const said = this.said.get(chat) ?? [];
    const text = `${chat}${said.length}`;
    said.push(text);
    const previous = this.#talk.at(-1) ?? Promise.resolve();
    this.#talk.push(previous.then(() => this.#deliver(chat, text)));
  }

  async #deliver(chat: string, text: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const up = this.replicas.filter((replica) => replica !== undefined);
      const intake = up[attempt % Math.max(up.length, 1)]?.account.intake;
      try {
        if (intake === undefined) throw new Error("nobody listens");
        await intake.take({
          channel: channelId("local", chat),
          id: text,
          sender: { id: "local:ann", name: "Ann" },
          text,
          sentAt: Date.now(),
          addressed: true,
          direct: true,
        });
        return;
      } catch {
        await pause(20); // Not taken: the platform delivers it again.
      }
    }
  }

  /** The process is gone: nothing more is written or sent by it. */
  async crash(index: number): Promise<void> {
    const replica = this.replicas[index];
    this.replicas[index] = undefined;
    await replica?.store.close();
    await replica?.gateway.stop();
  }

  async stop(index: number): Promise<void> {
    const replica = this.replicas[index];
    this.replicas[index] = undefined;
    await replica?.gateway.stop();
    await replica?.store.close();
  }

  async end(): Promise<void> {
    await this.start(0);
    await Promise.all(this.#talk);
    await eventually(
      () => CHATS.every((chat) => this.platform.answers(chat).length >= (this.said.get(chat)?.length ?? 0)),
      () => `all answered; there is ${JSON.stringify(CHATS.map((chat) => this.platform.answers(chat)))}`,
      20_000,
    );
    for (const index of this.replicas.keys()) await this.stop(index);
  }
}

const replica = fc.nat(REPLICAS - 1);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("say" as const), chat: fc.constantFrom(...CHATS) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("start" as const), replica }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("crash" as const), replica }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("stop" as const), replica }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("cut" as const), at: fc.constantFrom("before" as const, "after" as const) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(60) }) },
);

let scenes = 0;

test("whatever replicas do, each message is answered once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
      scenes += 1;
      const scene = new Scene(`scene${scenes}`);
      await scene.start(0);
      for (const each of steps) {
        if (each.do === "say") scene.say(each.chat);
        else if (each.do === "start") await scene.start(each.replica);
        else if (each.do === "crash") await scene.crash(each.replica);
        else if (each.do === "stop") await scene.stop(each.replica);
        else if (each.do === "cut") void proxy.cut(1 + Math.floor(Math.random() * 5), each.at);
        else await pause(each.ms);
      }
      proxy.disarm();
      await scene.end();
      for (const chat of CHATS) {
        expect(scene.platform.answers(chat)).toEqual((scene.said.get(chat) ?? []).map((text) => `answer to ${text}`));
      }
      expect(scene.faults).toEqual([]);
    }),
    { numRuns: Number(process.env.MODEL_RUNS ?? 20), endOnFailure: true },
  );
}, 240_000);
