/** Markdown on the page: what it looks like, and that nothing in it can do harm. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRenderer } from "../../adapters/web/render.ts";
import { anyMarkdown } from "../support/markdown.ts";

const html = (markdown: string): string => createRenderer().html(markdown);
const link = (url: string, text: string): string =>
  `<a href="${url}" target="_blank" rel="noopener noreferrer">${text}</a>`;

describe("formatting", () => {
  test.each([
    ["**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>"],
    ["# a", "<h3>a</h3>"],
    ["a\nb", "<p>a<br>\nb</p>"],
    ["- a\n- b", "<ul><li>a</li><li>b</li></ul>"],
    ["3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'],
    ["- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"],
    ["- [x] a", '<ul><li class="task"><input type="checkbox" disabled checked> a</li></ul>'],
    ["> a", "<blockquote><p>a</p></blockquote>"],
    ["---", "<hr>"],
    ["[a](https://b.c)", `<p>${link("https://b.c", "a")}</p>`],
    ["![a](https://b.c/d.png)", `<p>${link("https://b.c/d.png", "a")}</p>`],
    ["[![a](https://i.m/g)](https://b.c)", `<p>${link("https://b.c", "a")}</p>`],
    ["see https://b.c now", `<p>see ${link("https://b.c", "https://b.c")} now</p>`],
  ])("%j", (markdown, expected) => {
    expect(html(markdown)).toBe(expected);
  });

  test("a table with its alignment", () => {
    const table = html("| a | b |\n|--:|:-:|\n| 1 | **2** |");
    expect(table).toContain('<th class="right">a</th><th class="center">b</th>');
    expect(table).toContain('<td class="right">1</td><td class="center"><strong>2</strong></td>');
  });

  test("code keeps every character and its language", () => {
    const code = html("```ts\nif (a < b) {}\n\n  // & so on\n```");
    expect(code).toContain("<span>ts</span>");
    expect(code).toContain("if (a &#60; b) {}\n\n  // &#38; so on</code>");
  });

  test("a name that is defined further down leads where it should", () => {
    expect(html("[a][x]\n\ntext\n\n- b\n\n[x]: https://b.c")).toContain(link("https://b.c", "a"));
  });
});

describe("harm", () => {
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a <b onclick=alert(1)>b</b>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](data:text/html,x)",
    "[a](vbscript:x)",
    "[a](//evil.example)",
    "[a](/api/v1/sessions)",
    '[a](https://b.c/"onmouseover=alert(1))',
    '![a](x"onerror="alert(1))',
    '```"><script>\n</code><script>alert(1)</script>\n```',
    "[a]: javascript:alert(1)\n\n[a]",
    "<https://b.c/'onclick='x>",
    "&lt;script&gt;",
    "| <script> |\n|---|\n| <img> |",
  ])("%j", (markdown) => {
    expectHarmless(html(markdown));
  });

  test("whatever is written", () => {
    fc.assert(
      fc.property(anyMarkdown(), (markdown) => expectHarmless(html(markdown))),
      { numRuns: 300 },
    );
  });

  test.each([
    ["deep quotes", "> ".repeat(8_000)],
    ["deep lists", "- ".repeat(8_000)],
    ["many quotes", "> > > > > a\n\n".repeat(1_000)],
    ["unmatched stars", "*a_ ".repeat(4_000)],
    ["unmatched brackets", "[".repeat(16_000)],
    ["unmatched tildes", "~a".repeat(8_000)],
  ])("%s are shown without stopping the gateway, and nothing of them is lost", (_, markdown) => {
    const shown = html(markdown);
    expectHarmless(shown);
    expect(shown.replace(/&#\d+;/g, "?").replace(/<[^>]*>/g, "").length).toBeGreaterThanOrEqual(
      markdown.replace(/\s/g, "").length,
    );
  });
});

test("what grows is the same as what is rendered at once", () => {
  const renderer = createRenderer();
  fc.assert(
    fc.property(anyMarkdown(), (markdown) => {
      // Some forty steps, however long it is: each renders all that there is by then.
      const step = Math.max(7, Math.ceil(markdown.length / 40));
      for (let end = 0; end < markdown.length; end += step) renderer.html(markdown.slice(0, end));
      expect(renderer.html(markdown)).toBe(html(markdown));
    }),
    { numRuns: 30 },
  );
});

/** Only the renderer's own tags with its own attributes: everything else would have come from the text. */
function expectHarmless(shown: string): void {
  for (const [tag] of shown.matchAll(/<[^>]*>?/g)) expect(tag).toMatch(TAG);
}

const TAG =
  /^<(\/?(p|strong|em|del|code|h[3-6]|ul|li|ol|blockquote|hr|br|table|thead|tbody|tr|th|td|sup|div|pre|span|button|a)|ol start="\d+"|li class="task"|input type="checkbox" disabled( checked)?|t[hd] class="(right|center)"|div class="(code|code-head|table|footnote)"( tabindex="0")?|pre tabindex="0"|button type="button"|a href="(https?|mailto|tel):[^"<>]*" target="_blank" rel="noopener noreferrer")>$/i;
