/**
 * What the sessions of all agents share: a run that its turn's signal or the session's `close` ends, and a pause.
 */
import type { AgentTurn } from "../../agent.ts";
import type { AgentEvent, Clock } from "../../model.ts";

/** Holds the one run of a session. Idle, it keeps nothing: a controller lives only as long as its run. */
export class RunSlot {
  #controller: AbortController | undefined;
  #closed = false;

  /**
   * Passes on what `work` yields until it ends, or until the signal that it got aborts: nothing is yielded from
   * then on, and `work` is returned from. After `close` it yields nothing and never calls `work`.
   */
  async *run(turn: AgentTurn, work: (signal: AbortSignal) => AsyncIterable<AgentEvent>): AsyncGenerator<AgentEvent> {
    if (this.#closed || turn.signal.aborted) return;
    const controller = new AbortController();
    const abort = () => controller.abort(turn.signal.reason);
    const letGo = () => {
      turn.signal.removeEventListener("abort", abort);
      if (this.#controller === controller) this.#controller = undefined;
    };
    turn.signal.addEventListener("abort", abort, { once: true });
    this.#controller = controller;
    try {
      for await (const event of work(controller.signal)) {
        if (controller.signal.aborted) return;
        // A consumer need not ask again after the last event: nothing may be held for that.
        if (event.type === "done" || event.type === "failed") letGo();
        yield event;
      }
    } finally {
      letGo();
    }
  }

  /** Aborts the run under way, also one whose consumer has stopped asking. */
  close(): void {
    this.#closed = true;
    this.#controller?.abort(new Error("The agent's session was closed."));
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = () => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}
