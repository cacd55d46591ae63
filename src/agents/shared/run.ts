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
   * Passes on what `work` yields until it ends, or until the signal of the turn that it got aborts: nothing is yielded
   * from then on, and `work` is returned from. After `close` it yields nothing and never calls `work`.
   */
  async *run(given: AgentTurn, work: (turn: AgentTurn) => AsyncIterable<AgentEvent>): AsyncGenerator<AgentEvent> {
    if (this.#closed || given.signal.aborted) return;
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort(given.signal.reason);
    const letGo = () => {
      given.signal.removeEventListener("abort", abort);
      if (this.#controller === controller) this.#controller = undefined;
    };
    given.signal.addEventListener("abort", abort, { once: true });
    this.#controller = controller;
    const ask: AgentTurn["ask"] = (request, takenBack) => unlessAborted(signal, () => given.ask(request, takenBack));
    try {
      for await (const event of work({ ...given, signal, ask })) {
        if (signal.aborted) return;
        // A consumer need not ask again after the last event: nothing may be held for that.
        if (event.type === "done" || event.type === "failed") letGo();
        yield event;
      }
    } catch (error) {
      // Whoever waits for people leaves by this: the run was ended, it did not fail.
      if (!signal.aborted) throw error;
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

/**
 * What `begin` promises; rejects as soon as the signal aborts, and begins nothing after that. An agent that asks and
 * looks at the answer later may have been ended by then: a rejection that nobody waits for must not end the process.
 */
export function unlessAborted<Value>(signal: AbortSignal, begin: () => Promise<Value>): Promise<Value> {
  const promise = new Promise<Value>((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    begin()
      .finally(() => signal.removeEventListener("abort", abort))
      .then(resolve, reject);
  });
  promise.catch(() => {});
  return promise;
}
