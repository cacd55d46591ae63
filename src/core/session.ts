/**
 * One live session: a channel's state machine in this process.
 *
 * The public half only enqueues; the private half alone touches state:
 * 1. `wake` says that the store has something: a message, a command, a reply.
 * 2. Messages: `#drain` claims turn after turn on a serial queue (p-queue, concurrency 1). A wake that arrives
 *    while a drain is about to end queues another, so that no message is stranded in between.
 * 3. Commands run beside the turn, in order, each ended in one step of the store.
 * 4. Replies are delivered beside both, in order.
 * What it needs for that (queue, controllers, outbox) exists only while it is busy: an idle live session is a
 * handful of fields.
 *
 * Every write names the fence. A refusal (another owner, or the session was removed) ends this object at once:
 * it writes nothing, sends nothing and tells the pool.
 */
import type { ChannelAdapter } from "../channel.ts";
import { hasCode, SwitchboardError } from "../errors.ts";
import type { ChannelId, Session } from "../model.ts";
import type { Fence, Lease } from "../store.ts";
import { Attempts } from "./attempts.ts";
import { Briefing } from "./briefing.ts";
import { backoff, sleep } from "./clock.ts";
import type { Context } from "./context.ts";
import { Controller } from "./control.ts";
import { patched } from "./ending.ts";
import { Outbox } from "./outbox.ts";
import { Runner } from "./runner.ts";
import type { SessionScope } from "./scope.ts";
import { Work } from "./work.ts";

/** What the pool wants to hear. */
export interface SessionListener {
  idle(session: LiveSession): void;
  /** The session is no longer ours, or can't go on as it is. */
  lost(session: LiveSession): void;
}

export class LiveSession {
  readonly channel: ChannelId;
  /** When its last work ended. */
  idleSince: number;
  readonly #context: Context;
  readonly #adapter: ChannelAdapter;
  readonly #listener: SessionListener;
  readonly #fence: Fence;
  #session: Session;
  #runner: Runner | undefined;
  #work: Work | undefined;
  #draining = true;

  constructor(context: Context, adapter: ChannelAdapter, listener: SessionListener, lease: Lease) {
    this.channel = lease.session.channel;
    this.idleSince = context.clock.now();
    this.#context = context;
    this.#adapter = adapter;
    this.#listener = listener;
    this.#fence = lease.fence;
    this.#session = lease.session;
  }

  get id(): string {
    return this.#session.id;
  }

  get busy(): boolean {
    return this.#work !== undefined;
  }

  /** Takes up what the lease says is unfinished. */
  resume(lease: Lease): void {
    if (lease.outbox.length > 0) this.#deliver(lease.outbox);
    if (lease.controls.length > 0) this.wake("control");
    if (lease.interrupted || lease.waiting > 0) this.wake("inbox");
  }

  wake(kind: "inbox" | "control" | "outbox"): void {
    switch (kind) {
      case "inbox": {
        if (!this.#draining) break;
        const { turns } = this.#busy();
        // One waiting drain is enough; a running one may be past its last look.
        if (turns.size === 0) this.#track(() => turns.add(() => this.#drain()));
        break;
      }
      case "control":
        this.#track(() => this.#controls());
        break;
      case "outbox":
        this.#track(() => this.#collectReplies());
        break;
    }
  }

  /** Looks for work that no hint told of. */
  look(): void {
    if (!this.busy) {
      this.wake("inbox");
      this.wake("outbox");
    }
    this.wake("control");
  }

  /** No further turns; the one under way may finish. Resolves when it has; commands and replies may still be. */
  async finish(): Promise<void> {
    this.#draining = false;
    // One that waits for people would do so for all of the time that is left: it goes on elsewhere.
    if (this.#work?.current?.asking?.isWaiting) this.#work.current.stop("shutdown");
    await this.#work?.turns.onIdle();
  }

  /** Resolves when nothing is under way any more. */
  async rest(): Promise<void> {
    await this.#work?.idle();
  }

  /** Ends the turn under way as interrupted: it is put back, not counted as an attempt. */
  interrupt(): void {
    this.#draining = false;
    this.#work?.current?.stop("shutdown");
  }

  /** Stops everything at once and writes nothing more. What is unfinished is in the store. */
  abandon(): void {
    this.#draining = false;
    this.#work?.current?.stop("lost");
    this.#work?.alive.abort();
  }

  /** Closes the agent and gives the channel back. */
  async close(): Promise<void> {
    await this.#agents().dispose();
    await this.#context.store.release(this.channel, this.#fence);
  }

  // ── Turns

  async #drain(): Promise<void> {
    // What was written behind a command belongs behind it: `/new` must not find the next message in the old session.
    await this.#busy().controls;
    if (!this.#draining) return;
    const { store } = this.#context;
    let turn = await this.#insist("claim", () => store.claim(this.channel, this.#fence, this.#context.take));
    while (turn) turn = await this.#busy().attempts.step(turn);
  }

  #agents(): Runner {
    this.#runner ??= new Runner(this.#context, this.#adapter);
    return this.#runner;
  }

  // ── Commands

  async #controls(): Promise<void> {
    const work = this.#busy();
    work.controlsAgain = true;
    if (work.controls) await work.controller.stopAhead(work);
    work.controls ??= work.controller.run(work).then(() => this.wake("inbox"));
    return await work.controls;
  }

  async #changed(session: Session): Promise<void> {
    if (session.id !== this.#session.id) await this.#runner?.close();
    this.#session = session;
  }

  // ── Replies

  #deliver(entries: Lease["outbox"]): void {
    if (entries.length > 0) this.#track(() => this.#busy().outbox.add(entries));
  }

  async #collectReplies(): Promise<void> {
    const { store } = this.#context;
    const { outbox } = await this.#insist("read replies", () => store.pending(this.channel, this.#fence));
    await this.#busy().outbox.add(outbox);
  }

  // ── Work under way

  #busy(): Work {
    if (!this.#work) {
      const { clock, emit, store } = this.#context;
      const alive = new AbortController();
      const outbox = new Outbox({
        adapter: this.#adapter,
        channel: this.channel,
        clock,
        emit,
        signal: alive.signal,
        ownership: this.#context.ownership,
        face: (card) => this.#insist("read an ask", () => this.#context.asks.face(card, this.#adapter.limits)),
        settle: (id, outcome) =>
          this.#insist("settle a delivery", () => store.settleDelivery(this.channel, this.#fence, id, outcome)),
      });
      const scope: SessionScope = {
        ...{ context: this.#context, adapter: this.#adapter, channel: this.channel, fence: this.#fence },
        session: () => this.#session,
        work: () => this.#busy(),
        runner: () => this.#agents(),
        draining: () => this.#draining,
        patch: (patch) => {
          this.#session = patched(this.#session, patch, clock.now());
        },
        track: (task) => this.#track(task),
        wake: (kind) => this.wake(kind),
        changed: (session) => this.#changed(session),
        deliver: (entries) => this.#deliver(entries),
        insist: (doing, step) => this.#insist(doing, step),
      };
      this.#work = new Work(outbox, alive, new Controller(scope), new Briefing(scope), new Attempts(scope));
    }
    return this.#work;
  }

  /** Runs a task as part of the session's work; the last one to end makes the session idle. */
  #track(task: () => Promise<unknown>): void {
    const work = this.#busy();
    work.begin();
    task()
      .catch((error: unknown) => this.#broken(error))
      .finally(() => {
        if (!work.end() || this.#work !== work) return;
        this.#work = undefined;
        this.idleSince = this.#context.clock.now();
        this.#listener.idle(this);
      });
  }

  #broken(error: unknown): void {
    const isGivenUp = this.#work?.alive.signal.aborted === true;
    if (!isGivenUp && !hasCode(error, "STALE_FENCE") && !hasCode(error, "STORE_CLOSED")) {
      this.#context.emit({ type: "fault", doing: `work in ${this.channel}`, error });
    }
    this.abandon();
    this.#listener.lost(this);
  }

  /** Repeats a step of the store until it succeeds or can't: what is under way waits for the store, it is not lost. */
  async #insist<T>(doing: string, step: () => Promise<T>): Promise<T> {
    const { clock, emit } = this.#context;
    const { alive } = this.#busy();
    for (let attempt = 0; ; attempt++) {
      try {
        return await step();
      } catch (error) {
        const { signal } = alive;
        if (!(error instanceof SwitchboardError && error.retryable) || signal.aborted) throw error;
        emit({ type: "store.fault", doing, error });
        await sleep(clock, backoff(attempt, 100, 5_000), signal);
      }
    }
  }
}
