/** What every part of the suite stands on: a fresh store for each test, and short names for common steps. */
import { afterEach, beforeEach } from "vitest";
import type { ChannelId, InboundEvent, NewSession, OutboxDraft, TranscriptEntry, Turn } from "../../../src/model.ts";
import type { ControlDraft, Lease, Store, StoreStats, TurnCommit, TurnEnd, TurnFailure } from "../../../src/store.ts";

/** The `dedupeFor`, in milliseconds, that the harness must open its stores with. */
export const DEDUPE_FOR = 60_000;

/** The `keep`, in milliseconds. */
export const KEEP = 600_000;

export interface StoreHarness {
  /** The store as opened last. */
  readonly store: Store;
  /** Moves the clock that the store was given. It starts at any time and stands still otherwise. */
  advance(ms: number): void;
  now(): number;
  /** Closes the store and opens the same one again, as after a restart: no owner of before is alive. */
  reopen(): Promise<void>;
  /** Closes the store and forgets what was in it. */
  dispose(): Promise<void>;
}

export type OpenHarness = () => Promise<StoreHarness>;

export const CHANNEL: ChannelId = "telegram:-100/7";
export const REPLICA = "replica-1";
/** A replica that owns nothing. */
export const NOBODY = "nobody";
export const FRESH: NewSession = { source: "channel", agent: "demo", title: "A chat" };
export const ANN = { id: "telegram:42", name: "Ann" };

/** What an empty store says. */
export const NO_STATS: StoreStats = {
  sessions: 0,
  bySource: { channel: 0, manual: 0, cron: 0, setup: 0 },
  byStatus: { running: 0, waiting: 0, error: 0 },
  totals: { turns: 0, failed: 0, tokensIn: 0, tokensOut: 0, cost: 0 },
  queued: 0,
  inFlight: 0,
  undelivered: 0,
  deadLetters: 0,
};

export interface Stage {
  readonly store: Store;
  now(): number;
  advance(ms: number): void;
  reopen(): Promise<void>;
  /** Accepts one message for each id, one after the other. */
  accept(...ids: string[]): Promise<void>;
  own(channel?: ChannelId): Promise<Lease>;
  /** Claims the next turn, which there must be. */
  claim(lease: Lease, take?: number): Promise<Turn>;
  commit(lease: Lease, turn: Turn, commit?: Partial<TurnCommit>): Promise<TurnEnd>;
  fail(lease: Lease, turn: Turn, outcome: TurnFailure["outcome"], failure?: Partial<TurnFailure>): Promise<TurnEnd>;
  signal(id: string, draft?: Partial<ControlDraft>): ReturnType<Store["signal"]>;
}

/** Call it once in a `describe`. */
export function setStage(open: OpenHarness): Stage {
  let harness: StoreHarness;
  beforeEach(async () => {
    harness = await open();
  });
  afterEach(() => harness.dispose());
  const stage: Stage = {
    get store() {
      return harness.store;
    },
    now: () => harness.now(),
    advance: (ms) => harness.advance(ms),
    reopen: () => harness.reopen(),
    async accept(...ids) {
      for (const id of ids) await stage.store.accept(event(id), ROOM);
    },
    async own(channel = CHANNEL) {
      const acquired = await stage.store.acquire(channel, REPLICA, FRESH);
      if (acquired.status !== "owned") throw new Error(`owned by ${acquired.owner}`);
      return acquired.lease;
    },
    async claim(lease, take = 1) {
      const turn = await stage.store.claim(lease.session.channel, lease.fence, take);
      if (turn === undefined) throw new Error("nothing waits");
      return turn;
    },
    async commit(lease, turn, commit) {
      const ended = await stage.store.commitTurn(lease.session.channel, lease.fence, {
        turn: turn.id,
        transcript: [],
        session: {},
        outbox: [],
        take: 0,
        ...commit,
      });
      if (ended.status !== "ended") throw new Error("the turn was cancelled");
      return ended;
    },
    fail: (lease, turn, outcome, failure) =>
      stage.store.failTurn(lease.session.channel, lease.fence, {
        turn: turn.id,
        outcome,
        cause: "it broke",
        transcript: [],
        session: {},
        outbox: [],
        take: 0,
        ...failure,
      }),
    signal: (id, draft) =>
      stage.store.signal(event(id), { command: "stop", args: "", reason: "stopped by Ann", ...draft }),
  };
  return stage;
}

export const ROOM = { max: 100, fullNotice: "The queue is full." };

export function event(id: string, changes: Partial<InboundEvent> = {}): InboundEvent {
  return {
    channel: CHANNEL,
    id,
    sender: ANN,
    text: `message ${id}`,
    sentAt: 1_000,
    addressed: true,
    direct: true,
    ...changes,
  };
}

export function answer(text: string): OutboxDraft {
  return { kind: "answer", text };
}

export function said(turn: Turn, text: string): TranscriptEntry {
  return { role: "assistant", text, at: 5_000, turn: turn.id };
}
