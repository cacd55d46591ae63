import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Block, markdownBlocks, plainText, sectionBlocks, split } from "../../adapters/slack/render.ts";
import { anyMarkdown, richMarkdown } from "../support/markdown.ts";
import { checkBlocks } from "../twins/slack/blocks.ts";
import { flat, textOf, unescaped } from "../twins/slack/shown.ts";

const rules = { markdown: true };
const shownBy = (blocks: readonly Block[]) => textOf({ text: "", blocks });
const marked = (markdown: string) =>
  sectionBlocks(markdown).map((block) => (block.type === "section" ? block.text.text : ""));

/** Letters and what else carries meaning: not what lays out, where a list's numbers belong too, nor Slack's own marks. */
function substance(text: string): string {
  return text.replace(/[^\p{L}\p{Emoji_Presentation}]/gu, "");
}

function isWithin(needle: string, hay: string): boolean {
  let at = 0;
  for (const character of hay) if (needle.startsWith(character, at)) at += character.length;
  return at === needle.length;
}

describe("Slack's own markup", () => {
  it.each<[string, string]>([
    ["plain words. Two", "plain words. Two"],
    ["**bold** and *italic* and ~~gone~~", "*bold* and _italic_ and ~gone~"],
    ["**see `x` here**", "*see `x` here*"],
    ["# Title\ntext", "*Title*\n\ntext"],
    ["```js\nlet a;\n\n  b();\n```", "```\nlet a;\n\n  b();\n```"],
    ["[label](https://a.b/c?d&e)", "<https://a.b/c?d&amp;e|label>"],
    ["[file](./src/a.ts)", "file (./src/a.ts)"],
    ["![a cat](https://a.b/c.png)", "<https://a.b/c.png|a cat>"],
    ["> quoted\n> **more**\n\nafter", "> quoted\n> *more*\n\nafter"],
    ["- a\n- b\n  - c\n    d", "• a\n• b\n  • c\n    d"],
    ["3. a\n4. b", "3. a\n4. b"],
    ["- [x] done\n- [ ] open", "☑ done\n☐ open"],
    ["<b>x</b> & y", "&lt;b&gt;x&lt;/b&gt; &amp; y"],
    ["| n | qty |\n|---|--:|\n| ab | 5 |", "```\nn  │ qty\n───┼────\nab │   5\n```"],
    ["hi <!channel> and <@U1>", "hi &lt;!channel&gt; and &lt;@U1&gt;"],
    ["half \ud83d pair", "half \ufffd pair"],
    ["[only]: https://a.b", "[only]: https://a.b"],
  ])("%j", (markdown, expected) => {
    expect(marked(markdown)).toEqual([expected]);
  });

  it("cuts what a section can't hold, and opens code again", () => {
    const code = Array.from({ length: 300 }, (_, i) => `line number ${i};`).join("\n");
    const parts = marked(`Look:\n\n\`\`\`\n${code}\n\`\`\`\n\nDone.`);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(3000);
      expect(part.match(/```/g)?.length).toBe(2);
    }
    expect(substance(shownBy(sectionBlocks(`Look:\n\n\`\`\`\n${code}\n\`\`\`\n\nDone.`)))).toBe(
      substance(`Look:${code}Done.`),
    );
  });
});

describe("Markdown blocks", () => {
  it("notify nobody", () => {
    const [block] = markdownBlocks("<!channel> <@U1> <#C1> `<@U1>`");
    expect(block).toEqual({ type: "markdown", text: "&lt;!channel> &lt;@U1> &lt;#C1> `<@U1>`" });
  });

  it("carry Markdown as it is", () => {
    const markdown = "# T\n\n**b** | <https://a.b> & c";
    expect(markdownBlocks(markdown)).toEqual([{ type: "markdown", text: markdown }]);
  });
});

describe("the text beside the blocks", () => {
  it("is whole where it fits, and never cut inside of a character", () => {
    expect(plainText("**a** < b")).toBe("a &lt; b");
    expect(plainText("<".repeat(3000)).length).toBeLessThanOrEqual(4000);
    expect(plainText("<".repeat(3000))).toMatch(/^(?:&lt;)+…$/);
  });
});

describe("splitting for Slack", () => {
  it("leaves alone what fits", () => {
    expect(split("a **b**\n\nc")).toEqual(["a **b**\n\nc"]);
  });

  it("makes parts that every form has room for, also where all has to be escaped", () => {
    for (const text of ["< & > ".repeat(3000), "<".repeat(9000), "x".repeat(9000)]) {
      const parts = split(text);
      for (const part of parts) expect(plainText(part).endsWith("…")).toBe(false);
      expect(
        parts
          .map((part) => unescaped(plainText(part)))
          .join("")
          .replace(/\s/g, ""),
      ).toBe(text.replace(/\s/g, ""));
    }
  });

  it("shows something, where there are control characters alone", () => {
    expect(plainText("\u0000")).toBe("…");
    expect(sectionBlocks("\u0000")).toMatchObject([{ text: { text: "…" } }]);
    expect(plainText(" \n")).toBe("");
  });

  it("gives blocks that Slack takes, and that say all, whatever is written", () => {
    fc.assert(
      fc.property(richMarkdown(), (markdown) => {
        const parts = split(markdown);
        for (const part of parts) {
          checkBlocks(markdownBlocks(part), rules);
          checkBlocks(sectionBlocks(part), rules);
          expect(plainText(part).length).toBeLessThanOrEqual(4000);
        }
        const whole = substance(flat(markdown));
        for (const shown of [
          parts.map((part) => shownBy(markdownBlocks(part))).join("\n"),
          parts.map((part) => shownBy(sectionBlocks(part))).join("\n"),
          parts.map((part) => unescaped(plainText(part))).join("\n"),
        ]) {
          if (!isWithin(whole, substance(shown))) expect(substance(shown)).toBe(whole);
        }
      }),
      { numRuns: 70, seed: 20_261_121 },
    );
  });

  it("gives blocks that Slack takes, whatever it gets", () => {
    fc.assert(
      fc.property(anyMarkdown(), (markdown) => {
        for (const part of split(markdown)) {
          checkBlocks(markdownBlocks(part), rules);
          checkBlocks(sectionBlocks(part), rules);
          expect(plainText(part)).not.toBe("");
          expect(plainText(part).length).toBeLessThanOrEqual(4000);
          // A form can carry it.
          encodeURIComponent(JSON.stringify([markdownBlocks(part), sectionBlocks(part), plainText(part)]));
        }
      }),
      { numRuns: 100, seed: 20_261_121 },
    );
  });
});
