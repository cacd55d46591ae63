/** Gateways, people and agents around one store, and a record of all that was done and seen. */
import type { Intake, Press, Pressed } from "../../../src/channel.ts";
import { Gateway } from "../../../src/core/gateway.ts";
import { SwitchboardError } from "../../../src/errors.ts";
import type { GatewayEvent } from "../../../src/events.ts";
import { type Ask, type Clock, channelId, type InboundEvent } from "../../../src/model.ts";
import type { Store } from "../../../src/store.ts";
import { Agents, type Run } from "./agent.ts";
import { Account, Platform } from "./platform.ts";
import { ROUTES, type Settings } from "./rules.ts";

export interface ModelClock extends Clock {
  advance(ms: number): void;
}

export interface WorldOptions {
  readonly clock: ModelClock;
  /** How many processes may run at a time. */
  readonly replicas: number;
  readonly settings: Settings;
  open(clock: Clock): Promise<Store>;
}

export interface Life {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly account: Account;
  readonly agents: Agents;
}

/** What somebody tried to decide. */
export interface Try {
  readonly ask: string;
  readonly by: string;
  readonly via: "button" | "api";
  /** Of a button: its choice. Of the API: the verdict's kind or the answer. */
  readonly choice: string;
  readonly value: string | undefined;
  /** Undefined where nobody knows: the process went away. */
  ok: boolean | undefined;
  /** When that was known, on the counter that all share. */
  at: number;
}

/** When something was begun and when it was done, on a counter that all share. */
export interface Span {
  readonly from: number;
  to: number | undefined;
}

const MOST_RUNNING = 2;

export const CHATS = ["a", "b", "c"] as const;
export type Chat = (typeof CHATS)[number];

export class World {
  readonly platform = new Platform();
  readonly lives: (Life | undefined)[];
  readonly runs: Run[] = [];
  readonly said = new Map<string, InboundEvent>();
  /** When the gateway took them. */
  readonly taken = new Map<string, Span>();
  /** When each run was told to end. */
  readonly finished = new Map<Run, number>();
  readonly tries: Try[] = [];
  readonly events: GatewayEvent[] = [];
  /** How many of the next writes the store can't make. */
  away = 0;
  wasAway = false;
  /** What must never happen and did. */
  readonly broken: string[] = [];
  readonly options: WorldOptions;
  /** What the platform could not hand over yet. */
  readonly #mail: InboundEvent[] = [];
  readonly #ends: Promise<void>[] = [];
  #ids = 0;
  #ticks = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.lives = Array.from({ length: options.replicas }, () => undefined);
  }

  get clock(): ModelClock {
    return this.options.clock;
  }

  tick(): number {
    this.#ticks += 1;
    return this.#ticks;
  }

  get up(): Life[] {
    return this.lives.filter((life) => life !== undefined);
  }

  /** One of the processes that run: any can be asked for anything. */
  life(pick = 0): Life {
    const life = this.up[pick % Math.max(this.up.length, 1)];
    if (!life) throw new Error("no process runs");
    return life;
  }

  get store(): Store {
    return this.life().store;
  }

  live(chat: Chat): Run | undefined {
    return this.runs.findLast((run) => run.channel === channelId("local", chat) && run.isLive);
  }

  // ── Processes

  async start(index: number): Promise<void> {
    if (this.lives[index]) return;
    const { clock, settings, open } = this.options;
    const store = unreliable(await open(clock), () => this.#isAway());
    const account = new Account(this.platform);
    const agents = new Agents(
      () => this.tick(),
      (run) => this.#began(run, store),
    );
    const gateway = new Gateway({
      ...{ store, clock, adapters: [account], routes: ROUTES, replica: `r${index}`, grace: 0 },
      agents: { worker: agents.named("worker"), architect: agents.named("architect") },
      access: { default: "allow", allow: [], admins: ["local:root"] },
      asks: { settings, approvers: "requester" },
      pool: { maxRunning: MOST_RUNNING, maxLive: 2, idleTimeout: 120_000 },
      queue: { attempts: 3 },
      emit: (event) => this.events.push(event),
    });
    await this.settled(gateway.start());
    this.lives[index] = { store, gateway, account, agents };
    await this.redeliver();
  }

  /** The process is gone: nothing more is written or sent by it. */
  async crash(index: number): Promise<void> {
    const life = this.lives[index];
    if (!life) return;
    this.lives[index] = undefined;
    life.account.isCut = true;
    life.agents.kill();
    await life.store.close();
    this.#ends.push(life.gateway.stop());
  }

  async stop(index: number): Promise<void> {
    const life = this.lives[index];
    if (!life) return;
    this.lives[index] = undefined;
    await this.settled(life.gateway.stop());
    await life.store.close();
  }

  async close(): Promise<void> {
    for (const index of this.lives.keys()) await this.stop(index);
    await this.settled(Promise.all(this.#ends));
  }

  #isAway(): boolean {
    if (this.away === 0) return false;
    this.away -= 1;
    return true;
  }

  #began(run: Run, store: Store): void {
    const { channel, turn } = run;
    if (this.runs.some((other) => other.channel === channel && other.end === undefined)) {
      this.broken.push(`two runs at once in ${channel}`);
    }
    this.runs.push(run);
    const busy = this.runs.filter((other) => other.process === run.process && other.isLive && !other.isWaiting);
    if (busy.length > MOST_RUNNING) this.broken.push(`${busy.length} agents work at once`);
    // Of a turn that waits for people nobody may start an agent.
    void store.asks({ channel, limit: 50 }).then(
      ({ asks }) => {
        const open = asks.filter((ask) => ask.turn === turn.id);
        if (open.length > 0 && run.calls.length === 0)
          this.broken.push(`${turn.id} of ${channel} runs, ${open[0]?.id} is open`);
      },
      () => {},
    );
  }

  // ── People

  async say(from: number, event: Pick<InboundEvent, "channel" | "sender" | "text" | "answers">): Promise<void> {
    const id = `m${++this.#ids}`;
    const whole: InboundEvent = { ...event, id, sentAt: this.clock.now(), addressed: true, direct: true };
    this.said.set(id, whole);
    await this.#deliver(from, whole);
  }

  /** The platform delivers something once more. */
  async repeat(from: number, pick: number): Promise<void> {
    const event = [...this.said.values()][pick % Math.max(this.said.size, 1)];
    if (event && !this.#mail.includes(event)) await this.#deliver(from, event);
  }

  async redeliver(): Promise<void> {
    for (const event of this.#mail.splice(0)) await this.#deliver(0, event);
  }

  async #deliver(from: number, event: InboundEvent): Promise<void> {
    const { id } = event;
    const span = this.taken.get(id) ?? { from: this.tick(), to: undefined };
    this.taken.set(id, span);
    const isKnown = span.to !== undefined;
    const taken = await this.#through(from, (intake) => intake.take(event));
    if (!taken) {
      if (!isKnown) this.#mail.push(event);
      return;
    }
    if (isKnown && taken.status !== "duplicate") this.broken.push(`${id} was taken twice: ${taken.status}`);
    if (taken.status === "full" || taken.status === "refused") this.broken.push(`${id} was ${taken.status}`);
    span.to ??= this.tick();
  }

  async press(from: number, press: Press): Promise<Pressed | undefined> {
    return await this.#through(from, (intake) => intake.press(press));
  }

  /** Undefined where the process went away meanwhile. */
  async #through<T>(from: number, step: (intake: Intake) => Promise<T>): Promise<T | undefined> {
    const intake = this.up[from % Math.max(this.up.length, 1)]?.account.intake;
    if (!intake) return undefined;
    try {
      return await step(intake);
    } catch (error) {
      if (isAway(error)) return undefined;
      throw error;
    }
  }

  // ── Looking

  /** Every ask there ever was, in the order in which they were opened. */
  async asks(): Promise<Ask[]> {
    const asks: Ask[] = [];
    for (const { what, ask: id } of await this.audit()) {
      const ask = what === "opened" ? await this.store.ask(id) : undefined;
      if (ask) asks.push(ask);
    }
    return asks;
  }

  async audit() {
    return (await this.store.audit({ limit: 10_000 })).entries;
  }

  async open(): Promise<Ask[]> {
    return (await this.store.asks({ limit: 200 })).asks;
  }

  // ── Time

  /** A moment in which what is under way goes on. */
  async moment(): Promise<void> {
    for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
    if (this.options.replicas > 1) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Waits until nothing happens any more by itself. */
  async quiet(): Promise<void> {
    let before = "";
    for (let same = 0; same < 3; ) {
      await this.moment();
      const [life] = this.up;
      const state = life === undefined ? "down" : await this.#state(life);
      same = state === before ? same + 1 : 0;
      before = state;
    }
  }

  async #state({ store }: Life): Promise<string> {
    // Behind all writes under way.
    await store.journalPut("local:beside", "quiet", null);
    const calls = this.runs.map((run) => `${run.end}${run.calls.filter(({ isOver }) => isOver).length}`).join();
    return JSON.stringify([await store.stats(), this.platform.writes, this.events.length, calls]);
  }

  /** Lets time pass until the condition holds. */
  async until(condition: () => boolean | Promise<boolean>, what: () => string | Promise<string>): Promise<void> {
    const deadline = Date.now() + 10_000;
    for (let looks = 1; !(await condition()); looks += 1) {
      if (Date.now() > deadline) throw new Error(`never came true: ${await what()}`);
      await this.moment();
      if (looks % 4 === 0) this.clock.advance(2_000);
    }
  }

  async settled(promise: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = promise.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    await this.until(
      () => isOver,
      () => "a process starts or ends",
    );
    await over;
  }
}

export function isAway(error: unknown): boolean {
  return error instanceof SwitchboardError && (error.code === "STORE_CLOSED" || error.code === "STORE_UNAVAILABLE");
}

const WRITES: ReadonlySet<unknown> = new Set([
  ...["openAsk", "answerAsk", "remindAsk", "claim", "commitTurn", "failTurn", "finishControl", "settleDelivery"],
  ...["accept", "signal"],
]);

/** The same store, which now and then can't be reached. */
function unreliable(store: Store, isAway: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...given: unknown[]) => {
        if (!WRITES.has(name) || !isAway()) return Reflect.apply(method, target, given);
        return Promise.reject(new SwitchboardError("STORE_UNAVAILABLE", "the store is away for a moment"));
      };
    },
  });
}
