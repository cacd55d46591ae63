import { describe, expect, it } from "vitest";
import { keyboardOf, TELEGRAM_ACTIONS } from "../../adapters/telegram/keyboard.ts";
import type { Action } from "../../src/channel.ts";

const button = (label: string, more: object = {}): Action => ({ kind: "button", label, data: `d:${label}`, ...more });
const rows = (...labels: string[]) =>
  keyboardOf(labels.map((label) => button(label)))?.inline_keyboard.map((row) => row.map(({ text }) => text));

describe("a keyboard", () => {
  it("is none where there is nothing to press", () => {
    expect(keyboardOf()).toBeUndefined();
    expect(keyboardOf([])).toBeUndefined();
  });

  it("carries data, and how a button looks", () => {
    const keyboard = keyboardOf([
      button("Yes", { style: "primary" }),
      button("No", { style: "danger" }),
      button("So?"),
    ]);
    expect(keyboard).toEqual({
      inline_keyboard: [
        [
          { text: "Yes", callback_data: "d:Yes", style: "primary" },
          { text: "No", callback_data: "d:No", style: "danger" },
          { text: "So?", callback_data: "d:So?" },
        ],
      ],
    });
  });

  it("puts up to three short labels side by side, and long ones below each other, in order", () => {
    expect(rows("a", "b", "c", "d", "e")).toEqual([
      ["a", "b", "c"],
      ["d", "e"],
    ]);
    expect(rows("a", "For this whole session", "b", "c")).toEqual([["a"], ["For this whole session"], ["b", "c"]]);
    expect(rows("x".repeat(14), "y".repeat(15), "z")).toEqual([["x".repeat(14)], ["y".repeat(15)], ["z"]]);
  });

  it("cuts labels between characters, and has none that Telegram refuses", () => {
    expect(rows(`x${"😀".repeat(40)}`)).toEqual([[`x${"😀".repeat(31)}…`]]);
    expect(rows("x".repeat(64), "x".repeat(65))).toEqual([["x".repeat(64)], [`${"x".repeat(63)}…`]]);
    expect(rows("", " \n", "a\r\n\tb", "\ud83d")).toEqual([["…", "…", "a b"], ["\ufffd"]]);
  });

  it("stays below Telegram's limit where there are as many as declared, as long as can be", () => {
    const actions = Array.from({ length: TELEGRAM_ACTIONS.most }, () => ({
      ...button("漢".repeat(99)),
      data: "x".repeat(64),
    }));
    expect(Buffer.byteLength(JSON.stringify(keyboardOf(actions)))).toBeLessThan(10_000);
  });
});
