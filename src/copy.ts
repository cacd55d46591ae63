/**
 * Copying one store into another. It may be stopped at any moment and started again: each channel is copied in one
 * step, and one that is there already and equal is passed over. Nothing counts as copied before it was read back.
 */
import { createHash } from "node:crypto";
import type { ChannelDump, Portable } from "./dump.ts";
import { SwitchboardError } from "./errors.ts";
import type { ChannelId } from "./model.ts";

/** How many channels are under way at once: their writes share a flush. */
const AT_ONCE = 64;

export const FIGURES = [
  "channels",
  "sessions",
  "transcriptEntries",
  "waiting",
  "inFlight",
  "commands",
  "undelivered",
  "asks",
  "deadLetters",
  "schedules",
  "journalEntries",
  "receipts",
] as const;

export type Figures = Record<(typeof FIGURES)[number], number>;

export interface CopyReport {
  /** Channels that this run wrote; the others were there already. */
  readonly written: number;
  readonly figures: Figures;
  /** Of all that both stores hold: the sum of the channels' SHA-256, in hexadecimal. */
  readonly checksum: string;
}

export interface CopyProgress {
  readonly phase: "copying" | "verifying";
  readonly channels: number;
}

/**
 * Rejects with STORE_IN_USE, STORE_NOT_EMPTY, or COPY_DIFFERS; the target stays marked as half a copy then, except
 * where it was never touched.
 */
export async function copyStore(
  source: Portable,
  target: Portable,
  onProgress: (progress: CopyProgress) => void = () => {},
): Promise<CopyReport> {
  await source.assertUnused();
  await target.assertUnused();
  await target.begin(source.name);

  const expected = new Tally();
  let written = 0;
  await forEachChannel(source, async (channel) => {
    const dump = await source.dump(channel);
    if (dump === undefined) return;
    const digest = digestOf(dump);
    const there = await target.dump(channel);
    if (there === undefined || digestOf(there) !== digest) {
      await target.load(dump);
      written += 1;
    }
    expected.add(dump, digest);
    onProgress({ phase: "copying", channels: expected.figures.channels });
  });

  const found = new Tally();
  await forEachChannel(target, async (channel) => {
    const [original, copy] = await Promise.all([source.dump(channel), target.dump(channel)]);
    // What an earlier run copied may have gone from the source since.
    if (original === undefined) return target.drop(channel);
    if (copy === undefined) return;
    const digest = digestOf(copy);
    if (digest !== digestOf(original)) throw differs(`channel ${channel} is not the same in both stores`);
    found.add(copy, digest);
    onProgress({ phase: "verifying", channels: found.figures.channels });
  });
  for (const figure of FIGURES) {
    const [want, have] = [expected.figures[figure], found.figures[figure]];
    if (want !== have) throw differs(`${figure}: ${want} in the source, ${have} in the copy`);
  }
  if (expected.checksum !== found.checksum) throw differs("the checksums are not the same");
  await source.assertUnused();
  await target.finish(await source.totals());
  return { written, figures: found.figures, checksum: found.checksum };
}

function differs(what: string): SwitchboardError {
  return new SwitchboardError("COPY_DIFFERS", `The copy is not like its source: ${what}.`);
}

async function forEachChannel(store: Portable, work: (channel: ChannelId) => Promise<void>): Promise<void> {
  const group: ChannelId[] = [];
  const run = () => Promise.all(group.splice(0).map(work));
  for await (const channel of store.channels()) {
    group.push(channel);
    if (group.length === AT_ONCE) await run();
  }
  await run();
}

/** What was seen of a store, in whatever order its channels came. */
class Tally {
  readonly figures: Figures = {
    channels: 0,
    sessions: 0,
    transcriptEntries: 0,
    waiting: 0,
    inFlight: 0,
    commands: 0,
    undelivered: 0,
    asks: 0,
    deadLetters: 0,
    schedules: 0,
    journalEntries: 0,
    receipts: 0,
  };
  #sum = 0n;

  add(dump: ChannelDump, digest: string): void {
    const { figures } = this;
    figures.channels += 1;
    figures.sessions += dump.sessions.length;
    for (const { transcript, asks } of dump.sessions) {
      figures.transcriptEntries += transcript.length;
      figures.asks += asks.length;
    }
    figures.waiting += dump.waiting.length;
    figures.inFlight += dump.turn === undefined ? 0 : 1;
    figures.commands += dump.controls.length;
    figures.undelivered += dump.outbox.length;
    figures.deadLetters += dump.deadLetters.length;
    figures.schedules += dump.schedules.length;
    figures.journalEntries += dump.journal.length;
    figures.receipts += dump.recent.length + dump.older.length;
    this.#sum = BigInt.asUintN(256, this.#sum + BigInt(`0x${digest}`));
  }

  get checksum(): string {
    return this.#sum.toString(16).padStart(64, "0");
  }
}

/** SHA-256 of what two stores must agree on, in hexadecimal. */
export function digestOf({ newestReply: _, ...dump }: ChannelDump): string {
  return createHash("sha256").update(canonical(dump)).digest("hex");
}

/**
 * JSON with the keys of every object in order, so that equal values give equal text. Half a surrogate pair is no text:
 * a store may give U+FFFD for it.
 */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "string") return item.toWellFormed();
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
