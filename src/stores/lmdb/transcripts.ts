/**
 * What was said, in pieces, the newest first in a chain: each turn writes one piece behind all others of the
 * store and leads to the session's one before. A cursor is a place in a piece.
 */
import type { TranscriptEntry } from "../../model.ts";
import type { TranscriptPage } from "../../store.ts";
import { nextSequence } from "./counters.ts";
import { transcriptKey } from "./keys.ts";
import type { SessionRow } from "./rows.ts";
import type { Transaction } from "./transaction.ts";
import type { View } from "./view.ts";

const PLACES = 1_024;
const LONGEST_PIECE = PLACES - 1;

/** Returns the newest piece then. */
export function appendTranscript(
  transaction: Transaction,
  before: number | undefined,
  entries: readonly TranscriptEntry[],
): number | undefined {
  let newest = before;
  for (let start = 0; start < entries.length; start += LONGEST_PIECE) {
    const sequence = nextSequence(transaction);
    const piece = entries.slice(start, start + LONGEST_PIECE);
    transaction.put(
      transcriptKey(sequence),
      newest === undefined ? { entries: piece } : { before: newest, entries: piece },
    );
    newest = sequence;
  }
  return newest;
}

/** See `Store.transcript`. */
export function readTranscript(
  view: View,
  session: SessionRow,
  { limit, before }: { limit: number; before?: number },
): TranscriptPage {
  let sequence = before === undefined ? session.newest : Math.floor(before / PLACES);
  let end = before === undefined ? LONGEST_PIECE : before % PLACES;
  const pages: TranscriptEntry[][] = [];
  let missing = limit;
  while (sequence !== undefined) {
    const piece = view.get(transcriptKey(sequence));
    if (piece === undefined) break;
    const upTo = piece.entries.slice(0, end);
    const start = Math.max(0, upTo.length - missing);
    pages.push(upTo.slice(start));
    missing -= upTo.length - start;
    if (start > 0) return { entries: inOrder(pages), before: sequence * PLACES + start };
    sequence = piece.before;
    end = LONGEST_PIECE;
    if (missing <= 0 && sequence !== undefined) return { entries: inOrder(pages), before: sequence * PLACES + end };
  }
  return { entries: inOrder(pages) };
}

export function eraseTranscript(transaction: Transaction, session: SessionRow): void {
  let sequence = session.newest;
  while (sequence !== undefined) {
    const piece = transaction.get(transcriptKey(sequence));
    transaction.remove(transcriptKey(sequence));
    sequence = piece?.before;
  }
}

function inOrder(pages: TranscriptEntry[][]): TranscriptEntry[] {
  return pages.reverse().flat();
}
