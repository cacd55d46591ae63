/**
 * Receipts as the scripts keep them: `time,state` or `time,state,detail`, time in base 36, with a minus before it for
 * what was caught up.
 */
import type { Receipt, ReceiptView } from "../../model.ts";
import { decode, encode } from "./keys.ts";

export function droppedReceipt(now: number, reason: string): string {
  return `${now.toString(36)},d,${encode(reason)}`;
}

export function failedReceipt(now: number, cause: string): string {
  return `${now.toString(36)},f,${encode(cause)}`;
}

export function answeredReceipt(now: number): string {
  return `${now.toString(36)},a`;
}

/** What goes before the receipt of something that was caught up. */
export function markOf(caughtUp: true | undefined): string {
  return caughtUp === true ? "-" : "";
}

/** What tells a message that runs from one that waits. */
export interface InboxState {
  /** The place of the next to run. */
  readonly head: number;
  /** The turn in flight as the row has it, or "". */
  readonly turn: string;
}

export function viewReceipt(id: string, stored: string, state: InboxState): ReceiptView {
  return stored.startsWith("-") ? { ...view(id, stored.slice(1), state), caughtUp: true } : view(id, stored, state);
}

function view(id: string, stored: string, { head, turn }: InboxState): ReceiptView {
  const [time = "", state, detail = ""] = stored.split(",");
  const at = Number.parseInt(time, 36);
  if (state === "a") return { id, receipt: { at, state: "answered" } };
  if (state === "d") return { id, receipt: { at, state: "dropped", reason: decode(detail) } };
  if (state === "f") return { id, receipt: { at, state: "failed", cause: decode(detail) } };
  if (detail === "") return { id, receipt: { at, state: "queued" } };
  const place = Number(detail);
  if (place >= head) return { id, receipt: { at, state: "queued" }, position: place - head + 1 };
  const [, , , , attempt, startedAt] = turn.split(" ");
  const receipt: Receipt = { at: Number(startedAt ?? at), state: "running", attempt: Number(attempt ?? 1) };
  return { id, receipt };
}

/** The newest receipts of a channel, newest first. */
export function viewRecent(recent: string, state: InboxState): ReceiptView[] {
  return recent
    .split(";")
    .slice(1)
    .map((entry) => {
      const comma = entry.indexOf(",");
      return viewReceipt(decode(entry.slice(0, comma)), entry.slice(comma + 1), state);
    })
    .reverse();
}
