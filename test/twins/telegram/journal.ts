/**
 * Every call that reached the server, and who waits for something to come true.
 *
 * Outcomes: `pending` (no reply yet), `ok`, `error` (a refusal was sent), `dropped` (connection cut, nothing was
 * done), `lost` (it was done, and the reply never arrived whole), `hanging` (no reply will come), `aborted` (the
 * client went away first).
 */
import type { Params } from "./params.ts";

export interface Call {
  readonly number: number;
  readonly method: string;
  readonly params: Params;
  /** Milliseconds, by the twin's clock. */
  readonly at: number;
  endedAt?: number;
  outcome: "pending" | "ok" | "error" | "dropped" | "lost" | "hanging" | "aborted";
  /** Whether the method ran to its end: what it changes has changed. */
  effect: boolean;
  /** The HTTP status that was sent. */
  status?: number;
  description?: string;
}

interface Waiter {
  readonly predicate: () => boolean;
  readonly settle: (error?: unknown) => void;
}

export interface UntilOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** What is waited for: named in the time-out's error. */
  readonly label?: string;
}

export class Journal {
  readonly #calls: Call[] = [];
  readonly #byMethod = new Map<string, Call[]>();
  readonly #waiters = new Set<Waiter>();
  #evaluation: NodeJS.Immediate | undefined;

  begin(method: string, params: Params, at: number): Call {
    const call: Call = { number: this.#calls.length + 1, method, params, at, outcome: "pending", effect: false };
    this.#calls.push(call);
    const same = this.#byMethod.get(method);
    if (same === undefined) this.#byMethod.set(method, [call]);
    else same.push(call);
    this.changed();
    return call;
  }

  end(call: Call, at: number, result: Pick<Call, "outcome"> & Partial<Pick<Call, "status" | "description">>): void {
    Object.assign(call, result, { endedAt: at });
    this.changed();
  }

  calls(method?: string): readonly Call[] {
    return method === undefined ? this.#calls : (this.#byMethod.get(method) ?? []);
  }

  /** Something that a predicate may look at has changed: waiters are asked once per turn of the event loop. */
  changed(): void {
    if (this.#waiters.size === 0 || this.#evaluation !== undefined) return;
    this.#evaluation = setImmediate(() => {
      this.#evaluation = undefined;
      for (const waiter of [...this.#waiters]) this.#evaluate(waiter);
    });
  }

  async until(predicate: () => boolean, { timeoutMs = 10_000, label }: UntilOptions = {}): Promise<void> {
    if (predicate()) return;
    // Made here, so that its stack names the test that waits.
    const late = new Error(`${label ?? "what was waited for"} did not happen within ${timeoutMs} ms`);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        late.message += `; the last calls:\n${this.#tail()}`;
        waiter.settle(late);
      }, timeoutMs);
      const waiter: Waiter = {
        predicate,
        settle: (error) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Ends every wait: nothing changes any more. */
  close(): void {
    clearImmediate(this.#evaluation);
    for (const waiter of [...this.#waiters]) waiter.settle(new Error("the twin was stopped while this waited"));
  }

  #evaluate(waiter: Waiter): void {
    try {
      if (waiter.predicate()) waiter.settle();
    } catch (error) {
      waiter.settle(error);
    }
  }

  #tail(): string {
    const lines = this.#calls.slice(-12).map((call) => {
      const params = JSON.stringify(call.params);
      const said = call.description === undefined ? "" : ` (${call.description})`;
      return `  ${call.number} ${call.method} ${call.outcome}${said} ${params.slice(0, 160)}`;
    });
    return lines.join("\n");
  }
}
