/** What Discord is sent for a text: messages and files. Together they say all of it, in order. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filed } from "../../adapters/discord/files.ts";
import { MAX_TEXT, messagesOf, partsOf, unfiled } from "../../adapters/discord/parts.ts";
import { render } from "../../adapters/discord/render.ts";
import { anyMarkdown, richMarkdown } from "../support/markdown.ts";
import { shownText } from "../twins/discord/index.ts";

const shown = (markdown: string) => shownText(render(markdown));
const lines = (count: number, word = "line") => Array.from({ length: count }, (_, i) => `${word} ${i};`).join("\n");
const fence = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\``;
const prose = (count: number) =>
  Array.from({ length: count }, (_, i) => `Paragraph ${i}: ${"some words of it ".repeat(20)}`).join("\n\n");

/** Letters and what else carries meaning; not what lays a text out, and not the heads of tables, which are repeated. */
const substance = (text: string) => text.replace(/[\s\d•─│┼—\u200b]|one|two/g, "");

/** What somebody reads who opens every file. The whole answer stands for all that was shown before it. */
function read(parts: readonly string[]): string {
  const files = parts.map((part) => filed(part)?.file);
  const whole = files.find((file) => file?.name === "answer.md");
  if (whole !== undefined) return shown(whole.text);
  return parts.map((part, i) => files[i]?.text ?? shown(part)).join("\n");
}

function expectFit(parts: readonly string[]): void {
  for (const [i, part] of parts.entries()) {
    expect(part.trim()).not.toBe("");
    const { line = render(part), file } = filed(part) ?? {};
    expect(line.length).toBeLessThanOrEqual(MAX_TEXT);
    if (i === 0) expect(file).toBeUndefined();
    if (file !== undefined) expect(file.text.trim()).not.toBe("");
  }
}

const longFence = fc
  .tuple(fc.constantFrom("", "ts", "Python", "no such"), fc.integer({ min: 1, max: 250 }))
  .map(([language, count]) => fence(language, lines(count)));
const longMarkdown = fc
  .array(fc.oneof({ weight: 3, arbitrary: richMarkdown() }, longFence), { minLength: 1, maxLength: 5 })
  .map((texts) => texts.join("\n\n"));

describe("parts for Discord", () => {
  it("fit into a message or a file, and lose nothing that is shown", () => {
    fc.assert(
      fc.property(longMarkdown, (markdown) => {
        const parts = partsOf(markdown);
        expectFit(parts);
        expect(parts.length).toBeLessThanOrEqual(5);
        expect(substance(read(parts))).toBe(substance(shown(markdown)));
      }),
      { numRuns: 20 },
    );
  });

  it("fit, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.tuple(anyMarkdown(), anyMarkdown()).map(([a, b]) => `${a}\n\`\`\`\n${lines(300)}\n${b}`),
        (text) => expectFit(partsOf(text)),
      ),
      { numRuns: 20 },
    );
  });

  it("say the same without files", () => {
    fc.assert(
      fc.property(longMarkdown, (markdown) => {
        const parts = partsOf(markdown);
        // The first ones of a long answer that is nothing but code are said once more.
        fc.pre(
          !(parts.length > 1 && filed(parts.at(-1) ?? "")?.file.name.startsWith("code") && parts.at(-1) === markdown),
        );
        const messages = parts.flatMap((part) => (filed(part) === undefined ? [part] : unfiled(part)));
        for (const message of messages) expect(render(message).length).toBeLessThanOrEqual(MAX_TEXT);
        expect(substance(messages.map(shown).join("\n"))).toBe(substance(shown(markdown)));
      }),
      { numRuns: 20 },
    );
  });

  it("are messages alone where those are a handful", () => {
    const text = prose(24);
    expect(messagesOf(text)).toHaveLength(5);
    expect(partsOf(text)).toEqual(messagesOf(text));
  });

  it("are the beginning of a long answer, and the whole of it as a file, to the letter", () => {
    const text = `${prose(60)}\n\n| a | b |\n|---|---|\n| c | \t d |\n`;
    const parts = partsOf(text);
    expect(parts).toHaveLength(4);
    expect(parts.slice(0, 3)).toEqual(messagesOf(text).slice(0, 3));
    expect(filed(parts[3] ?? "")).toEqual({
      file: { name: "answer.md", text },
      line: "-# The whole answer: answer.md",
    });
    expect([...parts.slice(0, 3), ...unfiled(text)]).toEqual(messagesOf(text));
  });

  it("are a file for each fence that would have to be cut, as it was written", () => {
    const code = `\tif (a) {\n\n${lines(300)}\n\t}`;
    const text = `Intro **bold**.\n\n${fence("typescript", code)}\n\nThe *end*: ${fence("", "short")}`;
    const parts = partsOf(text);
    expect(parts[0]).toBe("Intro **bold**.");
    expect(filed(parts[1] ?? "")).toEqual({
      file: { name: "code.ts", text: `${code}\n` },
      line: "-# The code: code.ts",
    });
    expect(parts.slice(2)).toEqual([`The *end*: ${fence("", "short")}`]);
    expect(unfiled(parts[1] ?? "")).toEqual(messagesOf(fence("typescript", code)));
  });

  it.each([
    ["python", "code.py"],
    ["C++", "code.cpp"],
    ["sh -e", "code.sh"],
    ["", "code.txt"],
    ["../../etc", "code.txt"],
    ["constructor", "code.txt"],
  ])("name a file in %j %s", (language, name) => {
    const [, part = ""] = partsOf(`Look:\n${fence(language, lines(400))}`);
    expect(filed(part)?.file.name).toBe(name);
  });

  it.each([
    ["begins the answer", fence("ts", lines(300)), 2],
    ["is part of a list", `- item\n\n  ${fence("ts", lines(300)).replaceAll("\n", "\n  ")}`, 2],
    ["is quoted", `Look:\n\n> ${fence("ts", lines(300)).replaceAll("\n", "\n> ")}`, 2],
    ["stands beside links that are explained elsewhere", `[a]\n\n${fence("ts", lines(300))}\n\n[a]: https://b.c`, 2],
  ])("open a fence again where it %s", (_name, text, least) => {
    const parts = partsOf(text);
    expect(parts.length).toBeGreaterThanOrEqual(least);
    expect(parts).toEqual(messagesOf(text));
  });

  it("take a fence that nobody closed to its end, also while it grows", () => {
    const code = lines(300);
    const parts = partsOf(`Look:\n\n\`\`\`js\n${code}`);
    expect(parts[0]).toBe("Look:");
    expect(filed(parts[1] ?? "")?.file).toEqual({ name: "code.js", text: `${code}\n` });
  });
});
