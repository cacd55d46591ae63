import PQueue from "p-queue";
import type { Asking } from "./asks/asking.ts";
import type { Attempts } from "./attempts.ts";
import type { Briefing } from "./briefing.ts";
import type { Controller } from "./control.ts";
import type { Outbox } from "./outbox.ts";

/** What a live session needs only while it is busy. Made with its first task, gone with its last. */
export class Work {
  /** The session's serial queue: one drain of the inbox at a time. */
  readonly turns = new PQueue({ concurrency: 1 });
  readonly outbox: Outbox;
  /** Aborts when the session is given up: nothing more is sent, no wait goes on. */
  readonly alive: AbortController;
  readonly controller: Controller;
  readonly briefing: Briefing;
  readonly attempts: Attempts;
  current: CurrentTurn | undefined;
  /** The commands' loop, and whether it has to look once more. */
  controls: Promise<void> | undefined;
  controlsAgain = false;
  /** The turn that a person cancelled last: its attempt may be claimed already, and not yet be `current`. */
  cancelled: string | undefined;
  /** Who waits in this process for the end of which ask. */
  readonly waiters = new Map<string, () => void>();
  #writing: Promise<unknown> = Promise.resolve();
  #tasks = 0;
  #idle: (() => void)[] = [];

  constructor(outbox: Outbox, alive: AbortController, controller: Controller, briefing: Briefing, attempts: Attempts) {
    this.outbox = outbox;
    this.alive = alive;
    this.controller = controller;
    this.briefing = briefing;
    this.attempts = attempts;
  }

  /** One after another: what reads the session's settings, and writes them changed. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(task);
    this.#writing = done.catch(() => {});
    return done;
  }

  begin(): void {
    this.#tasks += 1;
  }

  /** True when this was the last task. */
  end(): boolean {
    this.#tasks -= 1;
    if (this.#tasks > 0) return false;
    for (const resolve of this.#idle.splice(0)) resolve();
    return true;
  }

  /** Resolves with the last task. */
  idle(): Promise<void> {
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}

/** `overdue`: it worked for all that a turn may. */
export type StopReason = "cancelled" | "shutdown" | "lost" | "overdue";

/** The attempt under way. */
export class CurrentTurn {
  readonly turn: string;
  /** What its agent asks. */
  asking: Asking | undefined;
  readonly #controller = new AbortController();
  #waiters: (() => void)[] | undefined;

  constructor(turn: string) {
    this.turn = turn;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): StopReason | undefined {
    return this.signal.aborted ? this.signal.reason : undefined;
  }

  stop(reason: StopReason): void {
    this.#controller.abort(reason);
  }

  over(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters ??= [];
      this.#waiters.push(resolve);
    });
  }

  end(): void {
    for (const resolve of this.#waiters ?? []) resolve();
  }
}
