/**
 * One attempt at one turn: what it is about, whether it may begin, the agent's run, and its end as one step of the store.
 */
import type { AgentFailure, Json, MessageRef, OutboxDraft, Turn } from "../model.ts";
import type { TurnFailure } from "../store.ts";
import type { Assignment } from "./assignment.ts";
import { backoff, sleep } from "./clock.ts";
import { ago, OWN } from "./commands/words.ts";
import {
  answered,
  awaiting,
  cancelled,
  dropped,
  type Ending,
  headed,
  outdated,
  parked,
  requeued,
  retried,
  suspended,
} from "./ending.ts";
import { isAboutInterruption } from "./interruption.ts";
import { streamOf } from "./routes.ts";
import type { Run } from "./runner.ts";
import type { SessionScope } from "./scope.ts";
import { Preview } from "./stream.ts";
import type { TurnOutcome } from "./turn.ts";
import { CurrentTurn, type Work } from "./work.ts";

const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 30_000;

export class Attempts {
  readonly #scope: SessionScope;

  constructor(scope: SessionScope) {
    this.#scope = scope;
  }

  /** One attempt at one turn; gives the next one to run. */
  async step(turn: Turn): Promise<Turn | undefined> {
    const work = this.#scope.work();
    const current = new CurrentTurn(turn.id);
    work.current = current;
    const preview = this.#preview(turn, current, work);
    try {
      if (turn.cancelled || work.cancelled === turn.id) return await this.#endCancelled(turn, preview);
      const earlier = await work.briefing.earlier(turn);
      const open = earlier.filter(({ end }) => end === undefined);
      if (open.length > 0)
        return await this.#suspend(turn, preview, open.every(isAboutInterruption) ? awaiting : suspended);
      if (!this.#scope.draining()) return await this.#requeue(turn, preview);
      if (turn.attempt > this.#scope.context.attempts)
        return await this.#endParked(turn, preview, interruptedTooOften(turn));
      const assignment = await work.briefing.assignment(turn);
      if (!assignment) return await this.#endOutdated(turn, "a new session was begun");
      if (assignment.phase === "compact" && !this.#scope.context.agent(assignment.agent)?.compacts)
        return await this.#endOutdated(turn, `the agent \`${assignment.agent}\` keeps no memory that it could shorten`);
      const continuation = await work.briefing.continuation(turn, assignment, earlier, work);
      if (continuation === "wait") return await this.#suspend(turn, preview, awaiting);
      if (continuation === "drop") return await this.#endDropped(turn, preview);
      if (continuation === undefined) return await this.#endParked(turn, preview, UNDECIDED);
      const run = this.#run(turn, continuation === "on" ? { ...assignment, resumes: true } : assignment, current, {
        asking: work.briefing.asking(turn, assignment, earlier, work.waiters, current.signal),
        preview,
      });
      current.asking = run.asking;
      const outcome = current.signal.aborted ? undefined : await this.#scope.runner().run(run);
      if (outcome?.kind === "answered") return await this.#endAnswered(run, outcome);
      if (outcome?.kind === "failed") return await this.#endFailed(run, outcome.failure, current, outcome);
      if (current.reason === "overdue") return await this.#endFailed(run, this.#overdue(), current, outcome);
      if (current.reason === "cancelled") return await this.#endCancelled(turn, preview, outcome);
      if (current.reason === "shutdown" && run.asking.isWaiting)
        return await this.#suspend(turn, preview, suspended, outcome);
      if (current.reason === "shutdown") return await this.#requeue(turn, preview, outcome);
      await preview.end();
      return undefined;
    } finally {
      current.asking?.close();
      preview.halt();
      work.current = undefined;
      current.end();
    }
  }

  #run(turn: Turn, assignment: Assignment, current: CurrentTurn, parts: Pick<Run, "asking" | "preview">): Run {
    const session = this.#scope.session();
    return {
      ...{ session, turn, assignment, ...parts, signal: current.signal },
      // Not while a command hands the session to another agent: its state would be given to that one.
      save: (agentState) => this.#scope.work().exclusively(() => this.#save(session.id, assignment.agent, agentState)),
      silent: (ms) => this.#scope.track(() => this.#tellSilence(turn, ms)),
      overdue: () => current.stop("overdue"),
    };
  }

  async #save(session: string, agent: string, agentState: Json): Promise<void> {
    const { context, channel, fence, insist, patch } = this.#scope;
    const now = this.#scope.session();
    if (now.agent !== agent || now.id !== session) return;
    if (JSON.stringify(agentState) === JSON.stringify(now.agentState)) return;
    await insist("save", () => context.store.save(channel, fence, { session: { agentState } }));
    patch({ agentState });
  }

  /** Told as the answer to a command of the gateway's own: durable, in order, and once. */
  async #tellSilence({ id, attempt }: Turn, ms: number): Promise<void> {
    const { context, channel, insist, wake } = this.#scope;
    const { store, clock, emit } = context;
    const now = clock.now();
    emit({ type: "agent.silent", channel, turn: id, ms });
    const event = {
      ...{ channel, id: `${OWN}silence:${id}:${now}`, text: "silence", sentAt: now },
      ...{ sender: { id: "gateway:watchdog", name: "the gateway" }, addressed: true, direct: false },
    };
    const control = { command: "silence", args: `${id} ${attempt} ${ms}`, reason: "its agent is silent" };
    await insist("tell of an agent's silence", () => store.signal(event, control));
    wake("control");
  }

  #overdue(): AgentFailure {
    const limit = ago(this.#scope.context.patience.limit ?? 0);
    const message = `it was interrupted: it had worked for ${limit}, which is all that a turn may (turn.limit)`;
    return { code: "TURN_LIMIT", message, retryable: false };
  }

  async #endAnswered(run: Run, outcome: TurnOutcome & { kind: "answered" }): Promise<Turn | undefined> {
    const { turn, preview, assignment, asking } = run;
    const { store, emit } = this.#scope.context;
    const ref = await preview.end();
    const end = await this.#scope.work().exclusively(async () => {
      const commit = answered(this.#endingOf(turn, ref, outcome), {
        text: preview.text,
        parts: this.#scope.adapter.split(headed(preview.text, turn)),
        state: outcome.state,
        figures: outcome.figures,
        assignment,
        unused: asking.unused,
      });
      const ask = this.#scope.work().briefing.plan(run, outcome.state);
      const committed = await this.#scope.insist("commit", () =>
        store.commitTurn(this.#scope.channel, this.#scope.fence, {
          ...{ ...commit, outbox: this.#fitting(commit.outbox) },
          ...(ask ? { ask } : {}),
        }),
      );
      if (committed.status === "ended") this.#scope.patch(commit.session);
      return committed;
    });
    if (end.status === "cancelled") return await this.#endCancelled(turn, preview, outcome);
    const { figures } = outcome;
    emit({
      type: "turn.ended",
      channel: this.#scope.channel,
      turn: turn.id,
      outcome: "answered",
      ms: figures.ms,
      figures,
    });
    this.#scope.deliver(end.outbox);
    return end.next;
  }

  /** Its asks are open, and no agent is at work: it goes on when they are decided. */
  async #suspend(
    turn: Turn,
    preview: Preview,
    how: (ending: Ending) => TurnFailure,
    outcome?: TurnOutcome,
  ): Promise<Turn | undefined> {
    await preview.end();
    await this.#fail(turn, "suspended", undefined, how, outcome);
    if (!this.#scope.draining()) return undefined;
    // It is given at once where the last ask ended in this moment.
    return await this.#scope.insist("claim", () =>
      this.#scope.context.store.claim(this.#scope.channel, this.#scope.fence, this.#scope.context.take),
    );
  }

  /** The gateway stops: whoever has the channel next goes on. */
  async #requeue(turn: Turn, preview: Preview, outcome?: TurnOutcome): Promise<undefined> {
    await preview.end();
    await this.#fail(turn, "requeued", undefined, requeued, outcome);
  }

  async #endOutdated(turn: Turn, cause: string): Promise<Turn | undefined> {
    return await this.#fail(turn, "dropped", undefined, (ending) => outdated(ending, cause));
  }

  async #endDropped(turn: Turn, preview: Preview): Promise<Turn | undefined> {
    return await this.#fail(turn, "dropped", await preview.end(), dropped);
  }

  async #endFailed(
    run: Run,
    failure: AgentFailure,
    current: CurrentTurn,
    outcome: TurnOutcome | undefined,
  ): Promise<Turn | undefined> {
    const { turn, preview, asking } = run;
    const { store, clock, attempts, take } = this.#scope.context;
    // Whatever it was, the next attempt gets an agent that was started afresh.
    await this.#scope.runner().close();
    if (failure.retryable && asking.isWaiting)
      return await this.#suspend(turn, preview, (ending) => suspended(ending, failure), outcome);
    if (!failure.retryable || turn.attempt >= attempts) return await this.#endParked(turn, preview, failure, outcome);
    await preview.end();
    const retryAt = clock.now() + backoff(turn.attempt - 1, FIRST_RETRY, LONGEST_RETRY);
    await this.#fail(turn, "retry", undefined, (ending) => retried(ending, failure, retryAt), outcome);
    await sleep(clock, retryAt - clock.now(), current.signal);
    if (!this.#scope.draining()) return undefined;
    const next = await this.#scope.insist("claim", () => store.claim(this.#scope.channel, this.#scope.fence, take));
    return next?.cancelled ? await this.#endCancelled(next, preview) : next;
  }

  async #endParked(
    turn: Turn,
    preview: Preview,
    failure: AgentFailure,
    outcome?: TurnOutcome,
  ): Promise<Turn | undefined> {
    const ref = await preview.end();
    return await this.#fail(turn, "failed", ref, (ending) => parked(ending, failure), outcome);
  }

  async #endCancelled(turn: Turn, preview: Preview, outcome?: TurnOutcome): Promise<Turn | undefined> {
    const ref = await preview.end();
    const marked = this.#scope.adapter.split(`${preview.shown}\n\n⏹ _Stopped._`);
    const shown = preview.shown === "" ? "" : marked.length === 1 ? (marked[0] ?? "") : preview.shown;
    return await this.#fail(turn, "dropped", ref, (ending) => cancelled(ending, shown), outcome);
  }

  async #fail(
    turn: Turn,
    outcome: "retry" | "requeued" | "suspended" | "failed" | "dropped",
    ref: MessageRef | undefined,
    how: (ending: Ending) => TurnFailure,
    run?: TurnOutcome,
  ): Promise<Turn | undefined> {
    const { context, channel, fence, patch, insist, deliver } = this.#scope;
    const { store, clock, emit } = context;
    const { end, cause } = await this.#scope.work().exclusively(async () => {
      const failure = how(this.#endingOf(turn, ref, run));
      const fitting = { ...failure, outbox: this.#fitting(failure.outbox) };
      const end = await insist("end a turn", () => store.failTurn(channel, fence, fitting));
      patch(failure.session);
      return { end, cause: failure.cause };
    });
    const { figures } = run ?? {};
    const ms = figures?.ms ?? clock.now() - turn.startedAt;
    emit({ type: "turn.ended", channel, turn: turn.id, outcome, ms, cause, ...(figures ? { figures } : {}) });
    deliver(end.outbox);
    return end.next;
  }

  /** What agents and failures say is as long as they like. */
  #fitting(outbox: readonly OutboxDraft[]): OutboxDraft[] {
    return outbox.flatMap((draft) => {
      if (draft.kind !== "notice") return [draft];
      const [first = "", ...others] = this.#scope.adapter.split(draft.text);
      return [{ ...draft, text: first }, ...others.map((text) => ({ kind: draft.kind, text }))];
    });
  }

  #endingOf(turn: Turn, ref: MessageRef | undefined, outcome: TurnOutcome | undefined): Ending {
    const { context, session, draining, work } = this.#scope;
    // With a command under way nothing is claimed: the command's end wakes the inbox.
    const take = draining() && !work().controls ? context.take : 0;
    return { turn, session: session(), now: context.clock.now(), take, ref, outcome };
  }

  #preview(turn: Turn, current: CurrentTurn, work: Work): Preview {
    const { store, clock } = this.#scope.context;
    const { session, context, channel } = this.#scope;
    return new Preview({
      level: streamOf(session(), context.route(channel)),
      isWaiting: () => current.asking?.isWaiting === true,
      adapter: this.#scope.adapter,
      channel: this.#scope.channel,
      clock,
      key: `preview-${turn.id}`,
      ref: turn.preview,
      lostSince: turn.attempt > 1 ? turn.messages[0]?.acceptedAt : undefined,
      signal: current.signal,
      alive: work.alive.signal,
      ownership: this.#scope.context.ownership,
      save: (ref) =>
        this.#scope.insist("save", () => store.save(this.#scope.channel, this.#scope.fence, { preview: ref })),
      clear: () => work.outbox.empty,
    });
  }
}

const UNDECIDED: AgentFailure = {
  code: "INTERRUPTED",
  message: "it was cut short, and nobody decided whether it should go on",
  retryable: false,
};

function interruptedTooOften(turn: Turn): AgentFailure {
  const times = turn.attempt - 1;
  return { code: "INTERRUPTED", message: `it was interrupted ${times} times before it could finish`, retryable: false };
}
