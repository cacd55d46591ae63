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
import type { AgentFailure, ChannelId, Control, Session, Turn } from "../model.ts";
import type { Fence, Lease, TurnFailure } from "../store.ts";
import { backoff, sleep } from "./clock.ts";
import type { Context } from "./context.ts";
import { answered, cancelled, type Ending, parked, patched, requeued, retried } from "./ending.ts";
import { Outbox } from "./outbox.ts";
import { Runner } from "./runner.ts";
import { Preview } from "./stream.ts";
import type { TurnOutcome } from "./turn.ts";
import { CurrentTurn, Work } from "./work.ts";

const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 30_000;

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
    await this.#runner?.close();
    await this.#context.store.release(this.channel, this.#fence);
  }

  // ── Turns

  async #drain(): Promise<void> {
    // What was written behind a command belongs behind it: `/new` must not find the next message in the old session.
    await this.#busy().controls;
    if (!this.#draining) return;
    const { store } = this.#context;
    let turn = await this.#insist("claim", () => store.claim(this.channel, this.#fence, this.#context.take));
    while (turn) turn = await this.#step(turn);
  }

  /** One attempt at one turn; gives the next one to run. */
  async #step(turn: Turn): Promise<Turn | undefined> {
    const work = this.#busy();
    const current = new CurrentTurn(turn.id);
    work.current = current;
    const preview = this.#preview(turn, current, work);
    try {
      if (!this.#draining) current.stop("shutdown");
      if (turn.cancelled || work.cancelled === turn.id) return await this.#endCancelled(turn, preview);
      if (turn.attempt > this.#context.attempts) return await this.#endParked(turn, preview, interruptedTooOften(turn));
      this.#runner ??= new Runner(this.#context, this.#adapter);
      const outcome = await this.#runner.run(this.#session, turn, preview, current.signal);
      if (outcome?.kind === "answered") return await this.#endAnswered(turn, preview, outcome);
      if (outcome?.kind === "failed") return await this.#endFailed(turn, preview, outcome.failure, current);
      if (current.reason === "cancelled") return await this.#endCancelled(turn, preview);
      await preview.end();
      if (current.reason === "shutdown") await this.#fail(requeued(this.#endingOf(turn, undefined)), turn, "requeued");
      return undefined;
    } finally {
      preview.halt();
      work.current = undefined;
      current.end();
    }
  }

  async #endAnswered(
    turn: Turn,
    preview: Preview,
    outcome: TurnOutcome & { kind: "answered" },
  ): Promise<Turn | undefined> {
    const { store, clock, emit } = this.#context;
    const ref = await preview.end();
    const commit = answered(this.#endingOf(turn, ref), {
      text: preview.text,
      parts: this.#adapter.split(preview.text),
      state: outcome.state,
      figures: outcome.figures,
    });
    const end = await this.#insist("commit", () => store.commitTurn(this.channel, this.#fence, commit));
    if (end.status === "cancelled") return await this.#endCancelled(turn, preview);
    this.#session = patched(this.#session, commit.session, clock.now());
    emit({ type: "turn.ended", channel: this.channel, turn: turn.id, outcome: "answered", ms: outcome.figures.ms });
    this.#deliver(end.outbox);
    return end.next;
  }

  async #endFailed(
    turn: Turn,
    preview: Preview,
    failure: AgentFailure,
    current: CurrentTurn,
  ): Promise<Turn | undefined> {
    const { store, clock, attempts, take } = this.#context;
    // Whatever it was, the next attempt gets an agent that was started afresh.
    await this.#runner?.close();
    if (!failure.retryable || turn.attempt >= attempts) return await this.#endParked(turn, preview, failure);
    await preview.end();
    const retryAt = clock.now() + backoff(turn.attempt - 1, FIRST_RETRY, LONGEST_RETRY);
    await this.#fail(retried(this.#endingOf(turn, undefined), failure, retryAt), turn, "retry");
    await sleep(clock, retryAt - clock.now(), current.signal);
    if (!this.#draining) return undefined;
    const next = await this.#insist("claim", () => store.claim(this.channel, this.#fence, take));
    return next?.cancelled ? await this.#endCancelled(next, preview) : next;
  }

  async #endParked(turn: Turn, preview: Preview, failure: AgentFailure): Promise<Turn | undefined> {
    const ref = await preview.end();
    return await this.#fail(parked(this.#endingOf(turn, ref), failure), turn, "failed");
  }

  async #endCancelled(turn: Turn, preview: Preview): Promise<Turn | undefined> {
    const ref = await preview.end();
    const marked = this.#adapter.split(`${preview.shown}\n\n⏹ _Stopped._`);
    const shown = preview.shown === "" ? "" : marked.length === 1 ? (marked[0] ?? "") : preview.shown;
    return await this.#fail(cancelled(this.#endingOf(turn, ref), shown), turn, "dropped");
  }

  async #fail(
    failure: TurnFailure,
    turn: Turn,
    outcome: "retry" | "requeued" | "failed" | "dropped",
  ): Promise<Turn | undefined> {
    const { store, clock, emit } = this.#context;
    const end = await this.#insist("end a turn", () => store.failTurn(this.channel, this.#fence, failure));
    this.#session = patched(this.#session, failure.session, clock.now());
    const { cause } = failure;
    emit({
      type: "turn.ended",
      channel: this.channel,
      turn: turn.id,
      outcome,
      ms: clock.now() - turn.startedAt,
      cause,
    });
    this.#deliver(end.outbox);
    return end.next;
  }

  #endingOf(turn: Turn, ref: string | undefined): Ending {
    // With a command under way nothing is claimed: the command's end wakes the inbox.
    const take = this.#draining && !this.#busy().controls ? this.#context.take : 0;
    return { turn, session: this.#session, now: this.#context.clock.now(), take, ref };
  }

  #preview(turn: Turn, current: CurrentTurn, work: Work): Preview {
    const { store, clock } = this.#context;
    return new Preview({
      adapter: this.#adapter,
      channel: this.channel,
      clock,
      key: `preview-${turn.id}`,
      ref: turn.preview,
      lostSince: turn.attempt > 1 ? turn.messages[0]?.acceptedAt : undefined,
      signal: current.signal,
      alive: work.alive.signal,
      ownership: this.#context.ownership,
      save: (ref) => this.#insist("save", () => store.save(this.channel, this.#fence, { preview: ref })),
      clear: () => work.outbox.empty,
    });
  }

  // ── Commands

  async #controls(): Promise<void> {
    const work = this.#busy();
    work.controlsAgain = true;
    work.controls ??= this.#controlLoop(work);
    return await work.controls;
  }

  async #controlLoop(work: Work): Promise<void> {
    const { store } = this.#context;
    while (work.controlsAgain) {
      work.controlsAgain = false;
      const { controls } = await this.#insist("read commands", () => store.pending(this.channel, this.#fence));
      for (const control of controls) await this.#execute(control, work);
    }
    // In the same tick as the last look, so that a wake after it begins a new loop.
    work.controls = undefined;
    this.wake("inbox");
  }

  async #execute(control: Control, work: Work): Promise<void> {
    const { store, emit } = this.#context;
    const { current } = work;
    const cancelledTurn = control.effect?.cancelledTurn ?? undefined;
    if (cancelledTurn !== undefined) work.cancelled = cancelledTurn;
    if (current && current.turn === cancelledTurn) {
      const over = current.over();
      current.stop("cancelled");
      await over;
    }
    const result = await this.#answerOf(control);
    const end = await this.#insist("end a command", () =>
      store.finishControl(this.channel, this.#fence, {
        control: control.id,
        outbox: this.#adapter.split(result.reply).map((text) => ({ kind: "notice", text })),
        ...(result.renew ? { renew: result.renew } : {}),
        ...(result.replay ? { replay: result.replay } : {}),
      }),
    );
    if (end.session.id !== this.#session.id) await this.#runner?.close();
    this.#session = end.session;
    emit({ type: "command", channel: this.channel, command: control.command, sender: control.sender.id });
    this.#deliver(end.outbox);
  }

  async #answerOf(control: Control) {
    const { store, clock, commands, fresh } = this.#context;
    const command = commands.get(control.command);
    if (!command) return { reply: `\`/${control.command}\` is not known here.` };
    const context = { control, session: this.#session, store, now: clock.now(), commands: commands.list };
    return await this.#insist(`run /${command.name}`, () =>
      command.run({ ...context, fresh: () => fresh(this.channel) }),
    );
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
        settle: (id, outcome) =>
          this.#insist("settle a delivery", () => store.settleDelivery(this.channel, this.#fence, id, outcome)),
      });
      this.#work = new Work(outbox, alive);
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
    if (!hasCode(error, "STALE_FENCE") && !hasCode(error, "STORE_CLOSED")) {
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

function interruptedTooOften(turn: Turn): AgentFailure {
  const times = turn.attempt - 1;
  return { code: "INTERRUPTED", message: `it was interrupted ${times} times before it could finish`, retryable: false };
}
