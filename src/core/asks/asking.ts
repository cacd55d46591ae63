/**
 * What a turn's agent asks while it runs. Each request is answered from what was decided before (in an earlier attempt,
 * or by a rule), or becomes a stored ask, and waits: without a run slot, for as long as people take.
 */
import type { AskOutcome, DecidedRequest } from "../../agent.ts";
import type { Ask, AskRequest, PermissionMode, SessionSettings } from "../../model.ts";
import { unless } from "../clock.ts";
import type { Slot } from "../slots.ts";
import { unasked } from "./permissions.ts";
import { endOf } from "./state.ts";

export interface AskingOptions {
  readonly mode: PermissionMode;
  /** What earlier attempts asked. */
  readonly earlier: readonly Ask[];
  readonly signal: AbortSignal;
  /** Who waits in this process for the end of which ask. */
  readonly waiters: Map<string, () => void>;
  now(): number;
  settings(): SessionSettings | undefined;
  /** Stores it and has it shown; not any more once the signal has aborted, however often the store has to be asked. */
  open(request: AskRequest, signal: AbortSignal): Promise<Ask>;
  read(id: string): Promise<Ask | undefined>;
  /** Ends it where it is still open. */
  withdraw(id: string): Promise<void>;
}

export class Asking {
  readonly #options: AskingOptions;
  /** Of earlier attempts, not asked for again yet. What the agent took back is asked anew where it asks again. */
  readonly #earlier: Ask[];
  /** Made with the first request: most turns ask nothing. */
  #over: AbortController | undefined;
  #isOver = false;
  #waiting = 0;
  #waitingSince = 0;
  #waited = 0;

  constructor(options: AskingOptions) {
    this.#options = options;
    this.#earlier = options.earlier.filter(({ end }) => end?.state !== "withdrawn");
  }

  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** Milliseconds for which it has waited for people. */
  get waited(): number {
    return this.#waited + (this.isWaiting ? this.#options.now() - this.#waitingSince : 0);
  }

  /** What people decided of earlier attempts' requests. */
  get decided(): DecidedRequest[] {
    const decided = this.#options.earlier.filter(({ end }) => end?.state === "decided");
    return decided.map((ask) => ({ request: ask.request, outcome: outcomeOf(ask) }));
  }

  /** What was decided for an earlier attempt, and never asked for again. */
  get unused(): readonly Ask[] {
    return this.#earlier.filter(({ end }) => end?.state === "decided");
  }

  /** The attempt is over: whoever waits still is let go. */
  close(): void {
    this.#isOver = true;
    this.#over?.abort(OVER);
  }

  get #signal(): AbortSignal {
    if (this.#isOver) return AbortSignal.abort(OVER);
    this.#over ??= new AbortController();
    return AbortSignal.any([this.#options.signal, this.#over.signal]);
  }

  async ask(request: AskRequest, slot: Slot, takenBack?: AbortSignal): Promise<AskOutcome> {
    const { mode, open } = this.#options;
    this.#signal.throwIfAborted();
    takenBack?.throwIfAborted();
    const known = this.#takeEarlier(request);
    if (known?.end) return outcomeOf(known);
    const ruled = request.kind === "permission" ? unasked(request, mode, this.#options.settings()) : undefined;
    if (ruled === "allowed") return { kind: "approved", scope: "once", by: BY_RULE };
    if (ruled === "refused")
      return { kind: "rejected", reason: "nothing is changed before a plan was approved", by: BY_RULE };
    if (this.#waiting === 0) this.#waitingSince = this.#options.now();
    this.#waiting += 1;
    try {
      const ended = await this.#end(known ?? (await open(request, this.#signal)), slot, takenBack);
      return ended ? outcomeOf(ended) : { kind: "closed", reason: "its session was removed" };
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#waited += this.#options.now() - this.#waitingSince;
    }
  }

  /** Waits for its end. Undefined where it is gone. */
  async #end({ id }: Ask, slot: Slot, takenBack?: AbortSignal): Promise<Ask | undefined> {
    const { waiters, read, withdraw } = this.#options;
    const signal = this.#signal;
    const either = takenBack === undefined ? signal : AbortSignal.any([signal, takenBack]);
    const told = new Promise<void>((resolve) => waiters.set(id, resolve));
    slot.give();
    try {
      for (;;) {
        // Read after the waiter is set: an end before that is seen here, one after it is told.
        const ask = await read(id);
        if (!ask || ask.end) return ask;
        await unless(either, told);
        signal.throwIfAborted();
        if (!takenBack?.aborted) continue;
        await withdraw(id);
        throw takenBack.reason;
      }
    } finally {
      waiters.delete(id);
      await slot.take(signal);
    }
  }

  #takeEarlier(request: AskRequest): Ask | undefined {
    const wanted = identityOf(request);
    const index = this.#earlier.findIndex((ask) => identityOf(ask.request) === wanted);
    return index < 0 ? undefined : this.#earlier.splice(index, 1)[0];
  }
}

const OVER = new Error("The attempt that asked is over.");

const BY_RULE = { id: "gateway:rules", name: "a rule" };

/** Two requests are the same where they are about the same, in whatever words an agent puts it the second time. */
function identityOf(request: AskRequest): string {
  switch (request.kind) {
    case "permission":
      return JSON.stringify([request.kind, request.tool, request.target ?? request.text]);
    case "plan":
      return JSON.stringify([request.kind, request.text]);
    case "questions":
      return JSON.stringify([request.kind, request.questions.map(({ id, prompt }) => [id, prompt])]);
  }
}

function outcomeOf(ask: Ask): AskOutcome {
  const { end, answers } = ask;
  if (end?.state !== "decided") return { kind: "closed", reason: endOf(ask) };
  switch (end.verdict.kind) {
    case "approved":
      return { ...end.verdict, by: end.by };
    case "rejected":
      return { ...end.verdict, by: end.by };
    case "answered": {
      const values = Object.entries(answers).map(([id, { value }]) => [id, value] as const);
      return { kind: "answered", answers: Object.fromEntries(values) };
    }
  }
}
