/**
 * Group commit. Methods that write wait in a queue; all that wait are run one after the other, and what they
 * changed is committed together: one flush, however many they are. So they are serial, each sees what those
 * before it did, and each answers when that is on disk.
 *
 * While one group is being committed, in the background, the next is run on top of it, and is committed after
 * it. Should a commit fail, every method of the group fails and nothing of it was done; the group that was run
 * on top of it is run again.
 */
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId } from "../../model.ts";
import type { ChannelHint } from "../../store.ts";
import type { Folder } from "./folder.ts";
import { type Changes, Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

/** Which channel a method reads or changes: one; some, not known before it runs; none. */
export type Scope = ChannelId | "any" | "none";

/** So that one group doesn't hold up the event loop. */
const LARGEST_GROUP = 1_000;
/** From this many on, the first group after a pause is half of those that wait: the other half is run meanwhile. */
const WORTH_HALVING = 16;

interface Job {
  /** Runs the method and hands its changes to the group. False where it threw; `settle` gives the error. */
  readonly run: (transaction: Transaction) => boolean;
  readonly settle: (failure: Failure | undefined) => void;
}

interface Failure {
  readonly error: unknown;
}

interface Group {
  readonly jobs: readonly Job[];
  readonly changes: Changes;
  readonly joined: readonly Transaction[];
}

interface Underway {
  readonly group: Group;
  readonly committed: Promise<Failure | undefined>;
}

export class Commits {
  readonly #folder: Folder;
  readonly #tell: (hint: ChannelHint) => void;
  /** How many methods wait or are being committed, by their scope. */
  readonly #busy = new Map<Scope, number>();
  #waiting: Job[] = [];
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(folder: Folder, tell: (hint: ChannelHint) => void) {
    this.#folder = folder;
    this.#tell = tell;
  }

  /** Runs `work` in its turn, and resolves with what it returned when that is on disk. */
  write<Result>(scope: Scope, work: (transaction: Transaction) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.assertOpen();
      let outcome: { readonly result: Result } | Failure | undefined;
      this.#waiting.push({
        run: (transaction) => {
          try {
            outcome = { result: work(transaction) };
            transaction.join();
            return true;
          } catch (error) {
            outcome = { error };
            return false;
          }
        },
        settle: (failure) => {
          this.#leave(scope);
          if (failure !== undefined) reject(failure.error);
          else if (outcome === undefined || "error" in outcome) reject(outcome?.error);
          else resolve(outcome.result);
        },
      });
      this.#busy.set(scope, (this.#busy.get(scope) ?? 0) + 1);
      this.#working ??= this.#work();
    });
  }

  /** Does a method that may write in the channel wait, or is one being committed? */
  isBusy(channel: ChannelId): boolean {
    return this.#busy.has(channel) || this.#busy.has("any");
  }

  /**
   * Runs `work`, which writes nothing, in its turn among the writes of the channel. Where there are none it runs
   * at once, and costs no more than its reads.
   */
  async read<Result>(channel: ChannelId, work: (view: View) => Result): Promise<Result> {
    this.assertOpen();
    return this.isBusy(channel) ? this.write(channel, work) : work(this.#folder);
  }

  /** Throws STORE_CLOSED. */
  assertOpen(): void {
    if (this.#closed) throw new SwitchboardError("STORE_CLOSED", "The store is closed.");
  }

  /** Refuses what comes from now on; resolves when all that came before is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  #leave(scope: Scope): void {
    const left = (this.#busy.get(scope) ?? 0) - 1;
    if (left > 0) this.#busy.set(scope, left);
    else this.#busy.delete(scope);
  }

  async #work(): Promise<void> {
    let before: Underway | undefined;
    while (this.#waiting.length > 0 || before !== undefined) {
      // Whoever else has something to write in this turn of the event loop joins the group.
      await new Promise((resolve) => setImmediate(resolve));
      const group = this.#run(before?.group.changes ?? NOTHING);
      const failure = await before?.committed;
      // What ran on top is taken back before what it stood on.
      if (failure !== undefined) this.#runAgain(group);
      const next =
        failure === undefined && group.jobs.length > 0 ? { group, committed: this.#commit(group) } : undefined;
      if (before !== undefined) this.#settle(before.group, failure);
      before = next;
    }
    this.#working = undefined;
  }

  #run(before: Changes): Group {
    const waiting = this.#waiting.length;
    const share = before === NOTHING && waiting >= WORTH_HALVING ? Math.ceil(waiting / 2) : waiting;
    const jobs = this.#waiting.splice(0, Math.min(share, LARGEST_GROUP));
    const changes: Changes = new Map();
    const joined: Transaction[] = [];
    for (const job of jobs) {
      const transaction = new Transaction(this.#folder, before, changes);
      if (job.run(transaction)) joined.push(transaction);
      else takeBack(transaction);
    }
    return { jobs, changes, joined };
  }

  #runAgain({ jobs, joined }: Group): void {
    joined.toReversed().forEach(takeBack);
    this.#waiting.unshift(...jobs);
  }

  /** Resolves with what went wrong. */
  async #commit({ changes }: Group): Promise<Failure | undefined> {
    try {
      if (changes.size > 0) await this.#folder.commit(changes);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  #settle({ jobs, joined }: Group, failure: Failure | undefined): void {
    if (failure !== undefined) joined.toReversed().forEach(takeBack);
    for (const job of jobs) job.settle(failure);
    if (failure === undefined) for (const { hints } of joined) hints.forEach(this.#tell);
  }
}

const NOTHING: Changes = new Map();

function takeBack(transaction: Transaction): void {
  for (const step of transaction.undos.toReversed()) step();
}
