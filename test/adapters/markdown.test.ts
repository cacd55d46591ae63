import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { heal } from "../../adapters/shared/heal.ts";
import { splitMarkdown } from "../../adapters/shared/split.ts";
import { type Rendered, render } from "../../adapters/telegram/render.ts";
import { anyMarkdown, richMarkdown } from "../support/markdown.ts";

const shown = (markdown: string) => render(markdown).text;
const split = (markdown: string, max = 4096) => splitMarkdown(markdown, { max, measure: (part) => shown(part).length });

/** What each entity covers: `bold "text"`. */
function covered({ text, entities }: Rendered): string[] {
  return entities.map((entity) => {
    const extra = entity.url ?? entity.language;
    const part = JSON.stringify(text.slice(entity.offset, entity.offset + entity.length));
    return [entity.type, part, ...(extra === undefined ? [] : [extra])].join(" ");
  });
}

function expectValid({ text, entities }: Rendered): void {
  const open: { end: number; type: string }[] = [];
  for (const { type, offset, length } of entities) {
    expect(length).toBeGreaterThan(0);
    expect(offset + length).toBeLessThanOrEqual(text.length);
    for (const edge of [offset, offset + length]) {
      expect(/[\ud800-\udbff]/.test(text.charAt(edge - 1)) && /[\udc00-\udfff]/.test(text.charAt(edge))).toBe(false);
    }
    while ((open.at(-1)?.end ?? Number.POSITIVE_INFINITY) <= offset) open.pop();
    const outer = open.at(-1);
    if (outer !== undefined) {
      expect(offset + length).toBeLessThanOrEqual(outer.end);
      expect(["pre", "code"]).not.toContain(outer.type);
      if (type === "pre" || type === "code") expect(outer.type).toBe("blockquote");
    }
    open.push({ end: offset + length, type });
  }
}

/** Letters and what else carries meaning; not what lays a list or a table out, where a list's numbers belong too. */
function substance(text: string): string {
  return text.replace(/[\s\d•─│┼—]/g, "");
}

function isWithin(needle: string, hay: string): boolean {
  let at = 0;
  for (const character of hay) if (needle.startsWith(character, at)) at += character.length;
  return at === needle.length;
}

describe("Telegram's rendering", () => {
  it.each<[string, string, string[]]>([
    ["plain words. Two", "plain words. Two", []],
    [
      "**bold** and *italic* and ~~gone~~",
      "bold and italic and gone",
      ['bold "bold"', 'italic "italic"', 'strikethrough "gone"'],
    ],
    ["**bold with *italic* in it**", "bold with italic in it", ['bold "bold with italic in it"', 'italic "italic"']],
    ["**see `x` here**", "see x here", ['bold "see"', 'code "x"', 'bold "here"']],
    ["# Title\ntext", "Title\n\ntext", ['bold "Title"']],
    ["```js\nlet a;\n\n  b();\n```", "let a;\n\n  b();", ['pre "let a;\\n\\n  b();" js']],
    ["[label](https://a.b/c)", "label", ['text_link "label" https://a.b/c']],
    ["[file](./src/a.ts)", "file (./src/a.ts)", []],
    ["<https://a.b>", "https://a.b", []],
    ["![a cat](https://a.b/c.png)", "a cat", ['text_link "a cat" https://a.b/c.png']],
    ["[one][1]\n\n[1]: https://a.b", "one", ['text_link "one" https://a.b']],
    ["> quoted\n> **more**\n\nafter", "quoted\nmore\n\nafter", ['blockquote "quoted\\nmore"', 'bold "more"']],
    ["- a\n- b\n  - c\n    d", "• a\n• b\n  • c\n    d", []],
    ["3. a\n4. b", "3. a\n4. b", []],
    ["- [x] done\n- [ ] open", "☑ done\n☐ open", []],
    ["a\n\n---\n\nb", "a\n\n———\n\nb", []],
    ["<b>x</b> & y", "<b>x</b> & y", []],
    ["| n | qty |\n|---|--:|\n| ab | 5 |", "n  │ qty\n───┼────\nab │   5", ['pre "n  │ qty\\n───┼────\\nab │   5"']],
    ["😀 **b😀**", "😀 b😀", ['bold "b😀"']],
    ["half \ud83d pair", "half \ufffd pair", []],
    ["[only]: https://a.b", "[only]: https://a.b", []],
    ["_\u00a0_", "_\u00a0_", []],
    ["**open", "**open", []],
    ["```\nstill open", "still open", ['pre "still open"']],
  ])("%j", (markdown, text, entities) => {
    const rendered = render(markdown);
    expect(rendered.text).toBe(text);
    expect(covered(rendered)).toEqual(entities);
  });

  it("keeps links and code where there are more entities than Telegram shows", () => {
    const { entities } = render(`${"*a* ".repeat(150)}[x](https://a.b) \`c\``);
    expect(entities).toHaveLength(100);
    expect(entities.filter(({ type }) => type !== "italic").map(({ type }) => type)).toEqual(["text_link", "code"]);
  });

  it.each([
    ["quotes", ">".repeat(20_000)],
    ["quoted items", "> - ".repeat(5_000)],
    ["items", "- ".repeat(5_000)],
    ["emphasis", "**a".repeat(2_000)],
    ["brackets", "[".repeat(5_000)],
    ["a word", "x".repeat(50_000)],
  ])("digests absurd %s", (_name, markdown) => {
    const rendered = render(markdown);
    expect(rendered.text).not.toBe("");
    expectValid(rendered);
  });

  it("shows something, where there are control characters alone", () => {
    expect(render("\u0000")).toEqual({ text: "…", entities: [] });
    expect(render(" \n").text).toBe("");
  });

  it("gives valid entities for whatever it gets", () => {
    fc.assert(
      fc.property(anyMarkdown(), (markdown) => {
        const rendered = render(markdown);
        expect(rendered.text.trim() === "").toBe(markdown.trim() === "");
        expectValid(rendered);
      }),
      { numRuns: 300 },
    );
  });
});

describe("splitting", () => {
  it("leaves alone what fits, and makes nothing of nothing", () => {
    expect(split("a **b**\n\nc")).toEqual(["a **b**\n\nc"]);
    expect(split(" \n \n")).toEqual([]);
  });

  const words = (count: number, word = "word") => Array.from({ length: count }, (_, i) => `${word}${i}`).join(" ");

  it("prefers paragraphs", () => {
    const [a, b, c] = [words(8), words(8), words(8)];
    expect(split(`${a}\n\n${b}\n\n${c}`, 140)).toEqual([`${a}\n\n${b}`, c]);
  });

  it("then items", () => {
    const items = Array.from({ length: 6 }, (_, i) => `- item ${i} ${"x".repeat(30)}`);
    expect(split(items.join("\n"), 150)).toEqual([items.slice(0, 3).join("\n"), items.slice(3).join("\n")]);
  });

  it("then sentences, then words", () => {
    const sentence = `${words(5)}.`;
    expect(split(Array(4).fill(sentence).join(" "), 110)).toEqual([
      `${sentence} ${sentence}`,
      `${sentence} ${sentence}`,
    ]);
    const parts = split(words(40), 100);
    expect(parts.join(" ")).toBe(words(40));
  });

  it("closes a fence and opens it again", () => {
    const code = Array.from({ length: 12 }, (_, i) => `line(${i});`);
    const parts = split(`Look:\n\n\`\`\`ts title\n${code.join("\n")}\n\`\`\`\n\nDone.`, 100);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) {
      expect(part.match(/^```/gm)?.length ?? 0).toBe(2);
      expect(covered(render(part)).join()).toContain(" ts");
    }
    expect(parts.map(shown).join("\n")).toBe(`Look:\n\n${code.join("\n")}\n\nDone.`);
  });

  it("keeps a fence inside of an item, and what follows it, out of indented code", () => {
    const code = Array.from({ length: 9 }, (_, i) => `    line(${i});`).join("\n");
    const parts = split(`10. Do:\n\n    \`\`\`sh\n${code}\n    \`\`\`\n\n    And **then** that.\n\nEnd`, 80);
    const joined = parts.map(shown).join("\n");
    expect(joined).toContain("And then that.");
    expect(joined).not.toContain("`");
    for (let i = 0; i < 9; i++) expect(joined).toContain(`line(${i});`);
  });

  it("does not cut a link or bold in two where it need not", () => {
    const text = `${words(12)} [a label of some words](https://example.org/path) ${words(3)}`;
    const parts = split(text, 130);
    expect(parts.filter((part) => part.includes("[a label of some words](https://example.org/path)"))).toHaveLength(1);
  });

  it("closes and opens again what it has to cut", () => {
    const parts = split(`**${words(60)}**`, 150);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(covered(render(part))).toEqual([`bold ${JSON.stringify(shown(part))}`]);
    expect(parts.map(shown).join(" ")).toBe(words(60));
  });

  it("repeats a table's header", () => {
    const rows = Array.from({ length: 20 }, (_, i) => `| row ${i} | ${i * i} |`).join("\n");
    const parts = split(`| name | square |\n|---|---|\n${rows}`, 150);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(shown(part)).toMatch(/^name {1,4}│ square\n─/);
  });

  it("takes a link's address to the part that uses it", () => {
    const parts = split(`${words(30)} [here][x]\n\n${words(30)}\n\n[x]: https://a.b/c`, 160);
    expect(parts.flatMap((part) => covered(render(part)))).toContain('text_link "here" https://a.b/c');
  });

  it("never parts a character", () => {
    const family = "👩‍👩‍👧‍👦";
    for (const part of split(family.repeat(100), 64)) expect(shown(part).replaceAll(family, "")).toBe("");
  });

  it("leaves the first parts alone while a text grows", () => {
    const text = Array.from({ length: 60 }, (_, i) => `${words(12)}. **Point ${i}**\n\n- a\n- b`).join("\n\n");
    const whole = split(text, 500);
    for (const share of [0.5, 0.7, 0.9]) {
      const early = split(text.slice(0, Math.floor(text.length * share)), 500).slice(0, -2);
      expect(whole.slice(0, early.length)).toEqual(early);
    }
  });

  it("fits into 4096 and loses nothing of a long text", () => {
    const block = `## Part\n\n${words(120)}.\n\n1. one\n2. **two**\n\n\`\`\`js\n${"call();\n".repeat(30)}\`\`\`\n\n`;
    const text = block.repeat(700);
    const parts = split(text);
    expect(text.length).toBeGreaterThan(1_000_000 * 0.7);
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(4096);
    expect(parts.join("").match(/word119\./g)).toHaveLength(700);
    expect(parts.join("").match(/call\(\);/g)).toHaveLength(21_000);
  });

  it("always fits and loses nothing that is shown", () => {
    fc.assert(
      fc.property(richMarkdown(), fc.integer({ min: 80, max: 400 }), (markdown, max) => {
        const parts = split(markdown, max);
        for (const part of parts) {
          const rendered = render(part);
          expect(rendered.text.length).toBeLessThanOrEqual(max);
          expect(rendered.text).not.toBe("");
          expectValid(rendered);
        }
        const [whole, joined] = [substance(shown(markdown)), substance(parts.map(shown).join("\n"))];
        if (!isWithin(whole, joined)) expect(joined).toBe(whole);
      }),
      { numRuns: 100, seed: 20_261_121 },
    );
  });

  it("always fits, whatever it gets", () => {
    fc.assert(
      fc.property(anyMarkdown(), (markdown) => {
        for (const part of split(markdown, 100)) {
          expect(shown(part).length).toBeLessThanOrEqual(100);
          expect(part.trim()).not.toBe("");
        }
      }),
      { numRuns: 100, seed: 20_261_121 },
    );
  });
});

describe("a text that still grows", () => {
  it.each([
    ["some **bold te", "some **bold te**"],
    ["some **bold*", "some **bold**"],
    ["an `inline co", "an `inline co`"],
    ["see [the label](http://exam", "see the label"],
    ["see [the lab", "see the lab"],
    ["take `[` to", "take `[` to"],
    ["take `list[", "take `list[`"],
    ["take `a[0](b", "take `a[0](b`"],
    ["take ``[`` and [the lab", "take ``[`` and the lab"],
    ["`[`\\`\\`", "`[`\\`\\`"],
    ["then **", "then"],
    ["*a **b", "*a **b***"],
    ["2 * 3 and 2**3", "2 * 3 and 2**3"],
    ["**done**\n\nnext *one", "**done**\n\nnext *one*"],
    ["- **a**\n- **b", "- **a**\n- **b**"],
    ["```js\nlet **a\n``", "```js\nlet **a"],
    ["plain", "plain"],
  ])("%j", (growing, healed) => {
    expect(heal(growing)).toBe(healed);
  });
});
