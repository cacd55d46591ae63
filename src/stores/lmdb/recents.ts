/**
 * The newest receipts of a channel as one text, because they are read and written with every message: a list of
 * lists would cost more to encode than all the rest of the row. Oldest first, each `;id,time,state` or
 * `;id,time,state,detail`, time in base 36, and what would break that apart escaped.
 */
import type { ReceiptRow } from "./rows.ts";

export function withRecent(text: string, receipt: ReceiptRow): string {
  return text + written(receipt);
}

export function findRecent(text: string, id: string): ReceiptRow | undefined {
  const [start, end] = boundsOf(text, id);
  return start < 0 ? undefined : readReceipt(text.slice(start + 1, end));
}

/** Undefined where there is none with its id. */
export function replaceRecent(text: string, receipt: ReceiptRow): string | undefined {
  const [start, end] = boundsOf(text, receipt[0]);
  return start < 0 ? undefined : text.slice(0, start) + written(receipt) + text.slice(end);
}

export function countRecent(text: string): number {
  let found = 0;
  for (let at = text.indexOf(";"); at >= 0; at = text.indexOf(";", at + 1)) found += 1;
  return found;
}

/** Where the newest `kept` begin. */
export function startOfNewest(text: string, kept: number): number {
  let start = text.length;
  for (let left = kept; left > 0 && start > 0; left -= 1) start = text.lastIndexOf(";", start - 1);
  return start;
}

export function recentReceipts(text: string): ReceiptRow[] {
  return text.split(";").slice(1).map(readReceipt);
}

function boundsOf(text: string, id: string): [start: number, end: number] {
  const start = text.indexOf(`;${escaped(id)},`);
  const next = start < 0 ? -1 : text.indexOf(";", start + 1);
  return [start, next < 0 ? text.length : next];
}

function written([id, at, state, detail]: ReceiptRow): string {
  const rest = detail === undefined ? "" : `,${escaped(String(detail))}`;
  return `;${escaped(id)},${at.toString(36)},${state}${rest}`;
}

function readReceipt(text: string): ReceiptRow {
  const [id = "", time = "", state, detail = ""] = text.split(",").map(unescaped);
  const at = Number.parseInt(time, 36);
  if (state === "a") return [id, at, "a"];
  if (state === "d" || state === "f") return [id, at, state, detail];
  return detail === "" ? [id, at, "q"] : [id, at, "q", Number(detail)];
}

function escaped(text: string): string {
  return /[%,;]/.test(text) ? text.replace(/[%,;]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`) : text;
}

function unescaped(text: string): string {
  return text.includes("%")
    ? text.replace(/%(25|2c|3b)/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;
}
