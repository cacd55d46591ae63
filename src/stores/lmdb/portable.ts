/** A folder opened to be copied from or to: under its lock, and so without a gateway. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ChannelDump, Portable } from "../../dump.ts";
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId, Clock, DeadLetter } from "../../model.ts";
import type { Totals } from "../../store.ts";
import { Commits } from "./commits.ts";
import { readCounters } from "./counters.ts";
import { readDeadLetters } from "./deadletters.ts";
import { channelsOf, dumpChannel } from "./dump.ts";
import { countSpent, totalsOf } from "./figures.ts";
import { Folder } from "./folder.ts";
import { copyOfKey } from "./keys.ts";
import { eraseChannel, loadChannel } from "./load.ts";
import type { Transaction } from "./transaction.ts";

export interface LmdbPortableOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Made where it is not there; else STORE_UNKNOWN. */
  readonly create: boolean;
}

/** Rejects with STORE_UNKNOWN, and as `Folder.open` does: with STORE_LOCKED where a gateway has it. */
export async function openLmdbPortable({ path, clock, create }: LmdbPortableOptions): Promise<Portable> {
  if (!create && !existsSync(join(path, "data.mdb"))) {
    throw new SwitchboardError("STORE_UNKNOWN", `There is no store in ${resolve(path)}.`);
  }
  return new LmdbPortable(await Folder.open(path), clock);
}

class LmdbPortable implements Portable {
  readonly name: string;
  readonly #folder: Folder;
  readonly #commits: Commits;
  readonly #clock: Clock;
  /** Those of each channel, as they were before the first change of any. */
  #letters: Map<ChannelId, DeadLetter[]> | undefined;
  #closed: Promise<void> | undefined;

  constructor(folder: Folder, clock: Clock) {
    this.name = `lmdb:${folder.path}`;
    this.#folder = folder;
    this.#commits = new Commits(folder, () => {});
    this.#clock = clock;
  }

  /** The folder's lock has told. */
  async assertUnused(): Promise<void> {}

  async begin(source: string): Promise<void> {
    const begun = this.#folder.get(copyOfKey);
    const [channel] = channelsOf(this.#folder);
    if (begun === undefined ? channel !== undefined : begun !== source) {
      const what = begun === undefined ? "a store of its own" : `half a copy of ${begun}`;
      throw new SwitchboardError("STORE_NOT_EMPTY", `${this.name} holds ${what}; nothing was changed.`);
    }
    await this.#commits.write("none", (transaction) => transaction.put(copyOfKey, source));
  }

  finish(totals: Totals): Promise<void> {
    return this.#commits.write("none", (transaction) => {
      countSpent(transaction, totalsOf(readCounters(transaction)), totals);
      transaction.remove(copyOfKey);
    });
  }

  async totals(): Promise<Totals> {
    return totalsOf(readCounters(this.#folder));
  }

  async *channels(): AsyncIterable<ChannelId> {
    yield* channelsOf(this.#folder);
  }

  async dump(channel: ChannelId): Promise<ChannelDump | undefined> {
    return dumpChannel(this.#folder, channel, this.#lettersOf(channel));
  }

  load(dump: ChannelDump): Promise<void> {
    return this.#replace(dump.channel, dump.deadLetters, (transaction) =>
      loadChannel(transaction, { clock: this.#clock }, dump),
    );
  }

  drop(channel: ChannelId): Promise<void> {
    return this.#replace(channel, [], () => {});
  }

  close(): Promise<void> {
    this.#closed ??= this.#commits.close().then(() => this.#folder.close());
    return this.#closed;
  }

  async #replace(
    channel: ChannelId,
    letters: readonly DeadLetter[],
    work: (transaction: Transaction) => void,
  ): Promise<void> {
    const before = this.#lettersOf(channel);
    await this.#commits.write(channel, (transaction) => {
      eraseChannel(transaction, channel, before);
      work(transaction);
    });
    this.#byChannel().set(channel, [...letters]);
  }

  #lettersOf(channel: ChannelId): readonly DeadLetter[] {
    return this.#byChannel().get(channel) ?? [];
  }

  /** They stand by time; looking for those of one channel among all would take as long for each. */
  #byChannel(): Map<ChannelId, DeadLetter[]> {
    if (this.#letters !== undefined) return this.#letters;
    const letters = new Map<ChannelId, DeadLetter[]>();
    for (const letter of readDeadLetters(this.#folder, { limit: Number.POSITIVE_INFINITY })) {
      const those = letters.get(letter.channel);
      if (those === undefined) letters.set(letter.channel, [letter]);
      else those.push(letter);
    }
    this.#letters = letters;
    return letters;
  }
}

/** For a gateway, which would miss what isn't there yet: rejects with STORE_HALF_COPIED, too. */
export async function openWhole(path: string): Promise<Folder> {
  const folder = await Folder.open(path);
  const source = folder.get(copyOfKey);
  if (source === undefined) return folder;
  await folder.close();
  throw new SwitchboardError("STORE_HALF_COPIED", `${folder.path} holds half a copy of ${source}.`);
}
