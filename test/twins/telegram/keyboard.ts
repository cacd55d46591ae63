/** `reply_markup`, refused as Telegram refuses it: TDLib's `ReplyMarkup.cpp` and the Bot API server's own checks. */
import { badRequest } from "./errors.ts";
import { isRecord, nested, type Params } from "./params.ts";

const MAX_DATA_BYTES = 64;
const MAX_BYTES = 10_240;
const STYLES = new Set<unknown>(["danger", "success", "primary"]);

/** Undefined where there is none, or one without a button. Other kinds than inline keyboards pass unread. */
export function replyMarkup(params: Params): unknown {
  const value = nested(params, "reply_markup");
  if (!isRecord(value) || Object.keys(value).length === 0) return undefined;
  if (value.inline_keyboard === undefined) return value;
  const buttons = buttonsOf(value);
  for (const button of buttons) assertButton(button);
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_BYTES) throw badRequest("REPLY_MARKUP_TOO_LONG");
  return buttons.length === 0 ? undefined : value;
}

/** The data of the first button with this label. */
export function dataBehind(markup: unknown, label: string): string {
  const buttons = isRecord(markup) ? buttonsOf(markup) : [];
  const data = buttons.filter(isRecord).find(({ text }) => text === label)?.callback_data;
  if (typeof data === "string") return data;
  const labels = buttons.filter(isRecord).map(({ text }) => text);
  throw new Error(`there is no button ${label}, but ${JSON.stringify(labels)}`);
}

function buttonsOf({ inline_keyboard: rows }: Record<string, unknown>): readonly unknown[] {
  if (!Array.isArray(rows)) throw badRequest('field "inline_keyboard" must be of type Array');
  return rows.flatMap((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest("can't parse inline keyboard button: expected an Array of Arrays");
    return row;
  });
}

function assertButton(button: unknown): void {
  const fail = (what: string) => badRequest(`can't parse inline keyboard button: ${what}`);
  if (!isRecord(button)) throw fail("expected an Object");
  if (button.text === undefined) throw fail('Can\'t find field "text"');
  if (typeof button.text !== "string") throw fail('Field "text" must be of type String');
  const { callback_data: data = "", url = "" } = button;
  if (typeof data !== "string") throw fail('Field "callback_data" must be of type String');
  if (data === "" && url === "") throw fail("Text buttons are unallowed in the inline keyboard");
  if (button.style !== undefined && !STYLES.has(button.style)) throw fail("Invalid button style specified");
  if (!button.text.isWellFormed()) throw badRequest("Inline keyboard button text must be encoded in UTF-8");
  if (button.text === "") throw badRequest("Inline keyboard button text must be non-empty");
  if (Buffer.byteLength(data) > MAX_DATA_BYTES) throw badRequest("BUTTON_DATA_INVALID");
}
