/**
 * Discord's dialect, undone by the twin as Discord's client undoes it. What a random text is to say is taken from another
 * platform's renderer: both must show the same words.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_TEXT, messagesOf } from "../../adapters/discord/parts.ts";
import { render } from "../../adapters/discord/render.ts";
import { render as renderForTelegram } from "../../adapters/telegram/render.ts";
import { anyMarkdown, richMarkdown } from "../support/markdown.ts";
import { shownText } from "../twins/discord/index.ts";

const shown = (markdown: string) => shownText(render(markdown));

/** Letters and what else carries meaning; not what lays a list, a table or a rule out. */
function substance(text: string): string {
  return text.replace(/[\s\d•─│┼—\u200b]/g, "");
}

function isWithin(needle: string, hay: string): boolean {
  let at = 0;
  for (const character of hay) if (needle.startsWith(character, at)) at += character.length;
  return at === needle.length;
}

describe("Discord's rendering", () => {
  it.each<[markdown: string, content: string]>([
    ["plain words. Two", "plain words. Two"],
    ["**bold** and *italic* and ~~gone~~", "**bold** and *italic* and ~~gone~~"],
    ["__bold__ and _italic_", "**bold** and *italic*"],
    ["**bold with *italic* in it**", "**bold with *italic* in it**"],
    ["***both***", "***both***"],
    ["# Title\ntext", "# Title\ntext"],
    ["#### Deep\ntext", "**Deep**\ntext"],
    ["Title\n===\n\ntext", "# Title\ntext"],
    ["```js\nlet a;\n\n  b();\n```", "```js\nlet a;\n\n  b();\n```"],
    ["````md\n```js\nx\n```\n````", "```md\n`\u200b`\u200b`js\nx\n`\u200b`\u200b`\n```"],
    ["`a`b`` c ` d ``", "`a`b``c ` d``"],
    ["``a`b``", "``a`b``"],
    ["[label](https://a.b/c)", "[label](<https://a.b/c>)"],
    ["[label](https://a.b/c_(d))", "[label](<https://a.b/c_%28d%29>)"],
    ["[file](./src/a.ts)", "file (./src/a.ts)"],
    ["<https://a.b/x_y_z>", "<https://a.b/x_y_z>"],
    ["see https://a.b/x_y_z.", "see <https://a.b/x_y_z>."],
    ["![a cat](https://a.b/c.png)", "[a cat](<https://a.b/c.png>)"],
    ["[one][1]\n\n[1]: https://a.b", "[one](<https://a.b>)"],
    ["> quoted\n> **more**\n\nafter", "> quoted\n> **more**\n\nafter"],
    ["> a\n>> b", "> a\n> \n> b"],
    ["- a\n- b\n  - c\n    d", "- a\n- b\n  - c\n    d"],
    ["3. a\n4. b", "3. a\n4. b"],
    ["- [x] done\n- [ ] open", "- ☑ done\n- ☐ open"],
    ["a\n\n---\n\nb", "a\n\n———\n\nb"],
    ["<b>x</b> & y", "\\<b>x\\</b> & y"],
    ["hey <@1180000000000000001>", "hey \\<@1180000000000000001>"],
    ["a_b_c and 2 * 3 * 4 and C:\\dir", "a\\_b\\_c and 2 \\* 3 \\* 4 and C:\\\\dir"],
    [
      "\\# no heading\n\\- no item\n1\\. no number\n\\> no quote",
      "\\# no heading\n\\- no item\n1\\. no number\n\\> no quote",
    ],
    ["a||b|| c~~", "a\\|\\|b\\|\\| c\\~\\~"],
    ["| n | qty |\n|---|--:|\n| ab | 5 |", "```\nn  │ qty\n───┼────\nab │   5\n```"],
    ["half \ud83d pair", "half \ufffd pair"],
    ["[only]: https://a.b", "[only]: https://a.b"],
    ["- a\n  - b\n  -\n- c", "- a\n  - b\n  • \n- c"],
    ["**open", "\\*\\*open"],
    ["```\nstill open", "```\nstill open\n```"],
    ["**a****b**", "**a\\*\\*\\*\\*b**"],
  ])("%j", (markdown, content) => {
    expect(render(markdown)).toBe(content);
  });

  it.each([
    ["quotes", ">".repeat(20_000)],
    ["items", "- ".repeat(5_000)],
    ["emphasis", "**a".repeat(2_000)],
    ["brackets", "[".repeat(5_000)],
    ["a word", "x".repeat(50_000)],
  ])("digests absurd %s", (_name, markdown) => {
    expect(render(markdown).trim()).not.toBe("");
    for (const part of messagesOf(markdown)) expect(render(part).length).toBeLessThanOrEqual(MAX_TEXT);
  });

  it("says what was written, whatever it is, once Discord's formatting is undone", () => {
    fc.assert(
      fc.property(richMarkdown(), (markdown) => {
        expect(substance(shown(markdown))).toBe(substance(renderForTelegram(markdown).text));
      }),
      { numRuns: 200 },
    );
  });

  it("never shows nothing", () => {
    fc.assert(
      fc.property(anyMarkdown(), (markdown) => {
        expect(render(markdown).trim() === "").toBe(markdown.trim() === "");
      }),
      { numRuns: 150 },
    );
  });
});

describe("messages for Discord", () => {
  it("fit, and lose nothing that is shown", () => {
    fc.assert(
      fc.property(fc.array(richMarkdown(), { minLength: 1, maxLength: 4 }), (texts) => {
        const markdown = texts.join("\n\n");
        const parts = messagesOf(markdown);
        for (const part of parts) {
          expect(render(part).length).toBeLessThanOrEqual(MAX_TEXT);
          expect(part.trim()).not.toBe("");
        }
        const [whole, joined] = [substance(shown(markdown)), substance(parts.map(shown).join("\n"))];
        if (!isWithin(whole, joined)) expect(joined).toBe(whole);
      }),
      { numRuns: 60 },
    );
  });

  it("fit where every character needs an escape", () => {
    const text = Array.from({ length: 900 }, (_, i) => `snake_case_${i}_*`).join(" ");
    const parts = messagesOf(text);
    for (const part of parts) expect(render(part).length).toBeLessThanOrEqual(MAX_TEXT);
    expect(parts.map(shown).join(" ")).toBe(text);
  });

  it("fit, whatever it is", () => {
    fc.assert(
      fc.property(anyMarkdown(), (markdown) => {
        for (const part of messagesOf(markdown)) expect(render(part).length).toBeLessThanOrEqual(MAX_TEXT);
      }),
      { numRuns: 100 },
    );
  });

  it("open a fence again that they had to close", () => {
    const code = Array.from({ length: 200 }, (_, index) => `const value${index} = compute(${index});`).join("\n");
    const parts = messagesOf(`Intro **bold**.\n\n\`\`\`ts\n${code}\n\`\`\`\n\nThe *end*.`);
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts.slice(1, -1)) expect(render(part)).toMatch(/^```ts\n[\s\S]*\n```$/);
    expect(parts.map(shown).join("\n")).toBe(`Intro bold.\n\n${code}\nThe end.`.replace(".\n\n", ".\n"));
  });

  it("leave the first ones alone while a text grows", () => {
    const words = (count: number) => Array.from({ length: count }, (_, i) => `wo_rd${i}`).join(" ");
    const text = Array.from({ length: 60 }, (_, i) => `${words(12)}. **Point ${i}**\n\n- a\n- b`).join("\n\n");
    const whole = messagesOf(text);
    for (const share of [0.5, 0.7, 0.9]) {
      const early = messagesOf(text.slice(0, Math.floor(text.length * share))).slice(0, -2);
      expect(whole.slice(0, early.length)).toEqual(early);
    }
  });
});
