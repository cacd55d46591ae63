/** A gateway whose platform and agent cost nothing: what is left is the gateway. */

import type { Agent, AgentSession, AgentTurn } from "../../src/agent.ts";
import { promptOf } from "../../src/agent.ts";
import type { AdapterHealth, ChannelAdapter, Intake } from "../../src/channel.ts";
import { Gateway } from "../../src/core/gateway.ts";
import type { AgentEvent, ChannelId, InboundEvent } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { taking } from "../support/intake.ts";

export const DAY = 86_400_000;

/** Answers at once with what it was asked. */
export const nullAgent: Agent = {
  open: () => Promise.resolve(nullSession),
};

/** One for all: what an agent keeps for a session is the agent's. */
const nullSession: AgentSession = { run: answer, close: () => Promise.resolve() };

async function* answer(turn: AgentTurn): AsyncGenerator<AgentEvent> {
  yield { type: "text", delta: promptOf(turn) };
  yield { type: "done" };
}

/**
 * Has sent as soon as it is asked to, and checks that the answers of a channel come in the order of its messages. Where
 * the channel ran in another process before, the first answer here may be a later one.
 */
export class NullChannel implements ChannelAdapter {
  readonly name = "web";
  readonly limits = { maxTextLength: 4_096, minEditInterval: 1_000, repeatableSend: true };
  intake: Intake = taking(() => Promise.reject(new Error("The gateway has not started.")));
  sent = 0;
  readonly #last = new Map<ChannelId, number>();
  readonly #before: (number: number) => number;

  constructor(shared = false) {
    this.#before = shared ? (number) => number - 1 : () => -1;
  }

  async start(intake: Intake): Promise<void> {
    this.intake = intake;
  }

  /** Lets go of what it knows of the channels. */
  forget(): void {
    this.#last.clear();
  }

  async stop(): Promise<void> {}
  async close(): Promise<void> {}

  health(): AdapterHealth {
    return { state: "connected" };
  }

  split(markdown: string): string[] {
    return markdown === "" ? [] : [markdown];
  }

  async send(channel: ChannelId, text: string): Promise<string> {
    const number = Number.parseInt(text, 10);
    const expected = (this.#last.get(channel) ?? this.#before(number)) + 1;
    if (number !== expected) throw new Error(`${channel} got the answer to ${text}, not to ${expected}.`);
    this.#last.set(channel, number);
    this.sent += 1;
    return text;
  }
}

/** The `number`th message of a channel: it begins with its number. */
export function message(channel: ChannelId, number: number): InboundEvent {
  return {
    channel,
    id: `1718000000.${String(number).padStart(6, "0")}`,
    sender: { id: "web:42", name: "Ann" },
    text: `${number} ${"x".repeat(140)}`,
    sentAt: Date.now(),
    addressed: true,
    direct: true,
  };
}

export interface NullOptions {
  readonly store: Store;
  /** How many turns may run at a time. */
  readonly concurrency: number;
  /** One of several on the same store. */
  readonly replica?: string;
  /** Called where a message was answered and settled that came in through another replica. */
  readonly elsewhere?: (channel: ChannelId) => void;
}

export interface NullGateway {
  readonly store: Store;
  readonly channel: NullChannel;
  readonly gateway: Gateway;
  /** Resolves when the oldest message of the channel that nobody waits for is answered and its delivery recorded. */
  settled(channel: ChannelId): Promise<void>;
  /** Another replica has settled one. */
  settle(channel: ChannelId): void;
  /** Rejects where anything was lost or is left over. Closes the store. */
  close(): Promise<void>;
}

export async function startNullGateway(options: NullOptions): Promise<NullGateway> {
  const { store, concurrency, replica = "main", elsewhere } = options;
  const channel = new NullChannel(elsewhere !== undefined);
  const waiting = new Map<ChannelId, (() => void)[]>();
  const faults: unknown[] = [];
  let asked = 0;
  const settle = (id: ChannelId) => {
    const others = waiting.get(id);
    if (others === undefined) elsewhere?.(id);
    others?.shift()?.();
    if (others?.length === 0) waiting.delete(id);
  };
  const gateway = new Gateway({
    store,
    adapters: [channel],
    agents: { null: nullAgent },
    access: { default: "allow", allow: [], admins: [] },
    pool: { maxRunning: concurrency, maxLive: 200_000, restoreAtStart: 0 },
    replica,
    emit: (event) => {
      if (event.type === "delivered") settle(event.channel);
      if ("error" in event) faults.push(event.error);
    },
  });
  await gateway.start();
  return {
    store,
    channel,
    gateway,
    settle,
    settled: (id) =>
      new Promise((resolve) => {
        asked += 1;
        const others = waiting.get(id);
        if (others) others.push(resolve);
        else waiting.set(id, [resolve]);
      }),
    async close() {
      const { queued, inFlight, undelivered, deadLetters } = await store.stats();
      await gateway.stop();
      await store.close();
      if (faults.length > 0) throw faults[0];
      if (elsewhere === undefined && channel.sent !== asked) {
        throw new Error(`${channel.sent} of ${asked} messages were answered.`);
      }
      const left = { queued, inFlight, undelivered, deadLetters };
      if (Object.values(left).some((count) => count > 0)) throw new Error(`Left over: ${JSON.stringify(left)}`);
    },
  };
}
