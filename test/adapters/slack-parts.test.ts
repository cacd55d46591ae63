/** What Slack is sent for a text: messages and files. Together they say all of it, in order. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filed } from "../../adapters/slack/files.ts";
import { partsOf, unfiled } from "../../adapters/slack/parts.ts";
import { plainText, split, unmarked } from "../../adapters/slack/render.ts";
import { anyMarkdown, richMarkdown } from "../support/markdown.ts";

const MAX_TEXT = 4000;
const lines = (count: number, word = "line") => Array.from({ length: count }, (_, i) => `${word} ${i};`).join("\n");
const fence = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\``;
const prose = (count: number) =>
  Array.from({ length: count }, (_, i) => `Paragraph ${i}: ${"some words of it ".repeat(20)}`).join("\n\n");

/** Letters and what else carries meaning; not what lays a text out, and not the heads of tables, which are repeated. */
const substance = (text: string) => text.replace(/[\s\d•─│┼—\u200b]|one|two/g, "");

/** What somebody reads who opens every file. The whole answer stands for all that was shown before it. */
function read(parts: readonly string[]): string {
  const files = parts.map((part) => filed(part));
  const whole = files.find((file) => file?.name === "answer.md");
  if (whole !== undefined) return unmarked(whole.text);
  return parts.map((part, i) => files[i]?.text ?? unmarked(part)).join("\n");
}

function expectFit(parts: readonly string[]): void {
  for (const [i, part] of parts.entries()) {
    expect(part.trim()).not.toBe("");
    const file = filed(part);
    if (i === 0) expect(file).toBeUndefined();
    if (file === undefined) expect(plainText(part).length).toBeLessThanOrEqual(MAX_TEXT);
    else expect(file.text.trim()).not.toBe("");
  }
}

const longFence = fc
  .tuple(fc.constantFrom("", "ts", "Python", "no such"), fc.integer({ min: 1, max: 600 }))
  .map(([language, count]) => fence(language, lines(count)));
const longMarkdown = fc
  .array(fc.oneof({ weight: 3, arbitrary: richMarkdown() }, longFence), { minLength: 1, maxLength: 5 })
  .map((texts) => texts.join("\n\n"));

describe("parts for Slack", () => {
  it("fit into a message or a file, and lose nothing that is shown", () => {
    fc.assert(
      fc.property(longMarkdown, (markdown) => {
        const parts = partsOf(markdown);
        expectFit(parts);
        expect(parts.length).toBeLessThanOrEqual(5);
        expect(substance(read(parts))).toBe(substance(unmarked(markdown)));
      }),
      { numRuns: 12 },
    );
  });

  it("fit, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.tuple(anyMarkdown(), anyMarkdown()).map(([a, b]) => `${a}\n\`\`\`\n${lines(600)}\n${b}`),
        (text) => expectFit(partsOf(text)),
      ),
      { numRuns: 12 },
    );
  });

  it("say the same without files", () => {
    fc.assert(
      fc.property(longMarkdown, (markdown) => {
        const parts = partsOf(markdown);
        // The first ones of a long answer that is nothing but code are said once more.
        fc.pre(!(parts.length > 1 && filed(parts.at(-1) ?? "")?.label === "The code" && parts.at(-1) === markdown));
        const messages = parts.flatMap((part) => (filed(part) === undefined ? [part] : unfiled(part)));
        for (const message of messages) expect(filed(message)).toBeUndefined();
        expect(substance(messages.map(unmarked).join("\n"))).toBe(substance(unmarked(markdown)));
      }),
      { numRuns: 12 },
    );
  });

  it("are messages alone where those are a handful", () => {
    const text = prose(48);
    expect(split(text)).toHaveLength(5);
    expect(partsOf(text)).toEqual(split(text));
  });

  it("are the beginning of a long answer, and the whole of it as a file, to the letter", () => {
    const text = `${prose(100)}\n\n| a | b |\n|---|---|\n| c | \t d |\n`;
    const parts = partsOf(text);
    expect(parts).toEqual([...split(text).slice(0, 3), text]);
    expect(filed(parts[3] ?? "")).toEqual({ name: "answer.md", text, label: "The whole answer" });
    expect([...parts.slice(0, 3), ...unfiled(text)]).toEqual(split(text));
  });

  it("are a file for each fence that would have to be cut, as it was written", () => {
    const code = `\tif (a) {\n\n${lines(600)}\n\t}`;
    const text = `Intro **bold**.\n\n${fence("typescript", code)}\n\nThe *end*: ${fence("", "short")}`;
    const parts = partsOf(text);
    expect(parts[0]).toBe("Intro **bold**.");
    expect(filed(parts[1] ?? "")).toEqual({ name: "code.ts", text: `${code}\n`, label: "The code" });
    expect(parts.slice(2)).toEqual([`The *end*: ${fence("", "short")}`]);
    expect(unfiled(parts[1] ?? "")).toEqual(split(fence("typescript", code)));
  });

  it.each([
    ["python", "code.py"],
    ["C++", "code.cpp"],
    ["", "code.txt"],
    ["../../etc", "code.txt"],
    ["constructor", "code.txt"],
  ])("name a file in %j %s", (language, name) => {
    const [, part = ""] = partsOf(`Look:\n${fence(language, lines(600))}`);
    expect(filed(part)?.name).toBe(name);
  });

  it.each([
    ["begins the answer", fence("ts", lines(600))],
    ["is part of a list", `- item\n\n  ${fence("ts", lines(600)).replaceAll("\n", "\n  ")}`],
    ["is quoted", `Look:\n\n> ${fence("ts", lines(600)).replaceAll("\n", "\n> ")}`],
    ["stands beside links that are explained elsewhere", `[a]\n\n${fence("ts", lines(600))}\n\n[a]: https://b.c`],
  ])("open a fence again where it %s", (_name, text) => {
    const parts = partsOf(text);
    expect(parts.length).toBeGreaterThanOrEqual(2);
    expect(parts).toEqual(split(text));
  });
});
