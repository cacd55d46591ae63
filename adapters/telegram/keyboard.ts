/** Actions → the inline keyboard below a message. Pure. */
import type { InlineKeyboardMarkup } from "grammy/types";
import type { Action } from "../../src/channel.ts";

/** Telegram shows more, but 25 with the longest labels and data are sure to stay below its limit for a whole keyboard. */
export const TELEGRAM_ACTIONS = { most: 25, select: 0, form: false } as const;

type Button = InlineKeyboardMarkup["inline_keyboard"][number][number];

/** UTF-16 units: a phone shows about so many of a button that has the row for itself, and its third of a row. */
const LONGEST = 64;
const SHORT = 14;
const PER_ROW = 3;

/** Undefined where there is nothing to press: a message without a keyboard, or an edit that takes it away. */
export function keyboardOf(actions: readonly Action[] = []): InlineKeyboardMarkup | undefined {
  const rows: Button[][] = [];
  let open: Button[] | undefined;
  for (const action of actions) {
    const button = buttonOf(action);
    const short = button.text.length <= SHORT;
    if (short && open !== undefined && open.length < PER_ROW) {
      open.push(button);
      continue;
    }
    const row = [button];
    rows.push(row);
    open = short ? row : undefined;
  }
  return rows.length === 0 ? undefined : { inline_keyboard: rows };
}

function buttonOf(action: Action): Button {
  const style = action.kind === "button" && action.style !== undefined ? { style: action.style } : {};
  return { text: labelOf(action.label), callback_data: action.data, ...style };
}

/** Telegram refuses a label that is empty. */
function labelOf(label: string): string {
  const line = label.toWellFormed().replace(/\s+/g, " ").trim();
  if (line.length <= LONGEST) return line === "" ? "…" : line;
  return `${line.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
