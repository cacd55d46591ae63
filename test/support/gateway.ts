import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Gateway, type GatewayOptions } from "../../src/core/gateway.ts";
import type { GatewayEvent } from "../../src/events.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import type { Hint, Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { TestClock } from "./clock.ts";
import { eventually } from "./eventually.ts";
import { LocalChannel } from "./local-channel.ts";
import { ScriptedAgent } from "./scripted-agent.ts";

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchboard-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A gateway on a real store, with a platform and an agent in the test's hand. It can crash and come back. */
export class Bench {
  readonly clock = new TestClock();
  readonly channel: LocalChannel;
  readonly agent = new ScriptedAgent();
  readonly events: GatewayEvent[] = [];
  readonly #folder: string;
  readonly #options: Partial<GatewayOptions>;
  #listeners: ((hint: Hint) => void)[] = [];
  store!: Store;
  gateway!: Gateway;

  private constructor(folder: string, channel: LocalChannel, options: Partial<GatewayOptions>) {
    this.#folder = folder;
    this.channel = channel;
    this.#options = options;
  }

  static async open(options: Partial<GatewayOptions> = {}, channel = new LocalChannel()): Promise<Bench> {
    const bench = new Bench(temporaryFolder(), channel, options);
    await bench.start();
    onTestFinished(() => bench.close());
    return bench;
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    await this.store.close();
  }

  /** The store alone, without a gateway on it. */
  async reopen(): Promise<Store> {
    this.store = await openLmdbStore({ path: this.#folder, clock: this.clock, dedupeFor: 86_400_000 });
    const watch = this.store.watch.bind(this.store);
    this.store.watch = (listener) => {
      this.#listeners.push(listener);
      return watch(listener);
    };
    return this.store;
  }

  /** A hint as it may get repeated, or come late. */
  hint(hint: Hint): void {
    for (const listener of this.#listeners) listener(hint);
  }

  /** `prepare`: changes the store before anything uses it. */
  async start(prepare: (store: Store) => void = () => {}): Promise<void> {
    this.#listeners = [];
    prepare(await this.reopen());
    this.gateway = new Gateway({
      store: this.store,
      adapters: [this.channel],
      agents: { scripted: this.agent },
      access: { default: "allow", allow: [], admins: [] },
      clock: this.clock,
      // Tests let the clock run while they wait: nobody is to be told that an agent takes its time.
      patience: {},
      grace: 0,
      emit: (event) => this.events.push(event),
      ...this.#options,
    });
    await this.gateway.start();
  }

  /** The process "dies": its store goes away under it, and another one begins on what was durable. */
  async crash(): Promise<void> {
    await this.store.close();
    for (const agent of [this.agent, ...Object.values(this.#options.agents ?? {})]) {
      if (agent instanceof ScriptedAgent) agent.runs.clear();
    }
    await this.start();
  }

  /** The process ends as it should, and another one begins. */
  async restart(): Promise<void> {
    await this.close();
    await this.start();
  }

  /** Lets time pass in steps, and what it sets off happen in between. */
  async advance(ms: number, step = 30_000): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      this.clock.advance(Math.min(step, ms - passed));
      // The store answers within a few turns of the event loop.
      await this.store.stats();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Waits for a run of the channel, on the given prompt where one is named. */
  async run(chat: string, text?: string, agent = this.agent) {
    const channel = channelId("local", chat);
    const current = () => {
      const run = agent.runs.get(channel);
      const prompt = run?.turn.messages.map((message) => message.text).join("+");
      return run && !run.aborted && (text === undefined || prompt === text) ? run : undefined;
    };
    await eventually(() => current() !== undefined, `a run of ${channel}${text === undefined ? "" : ` on ${text}`}`);
    const run = current();
    if (!run) throw new Error("the run is over already");
    return run;
  }

  /** Waits until nothing is under way in the channel. */
  async idle(chat: string): Promise<void> {
    const channel = channelId("local", chat);
    await eventually(async () => {
      const { running, waiting } = await this.store.queue(channel);
      return !running && waiting.length === 0 && (await this.store.stats()).undelivered === 0;
    }, `${channel} idle`);
  }

  async receipt(chat: string, id: string) {
    return (await this.store.receipt(channelId("local", chat), id))?.receipt;
  }

  /** Waits until the channel shows a text that matches. */
  async shows(chat: string, pattern: RegExp): Promise<string> {
    const channel: ChannelId = channelId("local", chat);
    const found = () => this.channel.texts(channel).find((text) => pattern.test(text));
    await eventually(
      () => found() !== undefined,
      () => `${channel} shows ${pattern}, it shows ${JSON.stringify(this.channel.texts(channel))}`,
    );
    return found() ?? "";
  }
}
