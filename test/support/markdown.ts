/** Random Markdown for property tests. */
import fc from "fast-check";

const word = fc.stringMatching(/^[A-Za-z0-9äé東😀.,!?']{1,12}$/u);
const words = (max: number) => fc.array(word, { minLength: 1, maxLength: max }).map((list) => list.join(" "));

const span = fc.oneof(
  { weight: 6, arbitrary: words(8) },
  words(6).map((text) => `**${text}**`),
  words(4).map((text) => `*${text}*`),
  words(4).map((text) => `~~${text}~~`),
  words(4).map((text) => `\`${text}\``),
  words(3).map((text) => `[${text}](https://example.org/${text.length})`),
  fc.constantFrom("a_b_c", "2 * 3", "#tag", "C:\\dir", "x < y", "a & b", "-", "+ 1"),
);
const paragraph = fc
  .array(fc.tuple(span, fc.constantFrom(" ", " ", " ", "\n")), { minLength: 1, maxLength: 12 })
  .map((parts) => `Text ${parts.map(([text, gap]) => text + gap).join("")}end`);
const code = fc
  .tuple(
    fc.constantFrom("", "js", "c++ x"),
    fc.array(fc.oneof(words(6), fc.constant(""), fc.constant("  * a **b")), { maxLength: 12 }),
  )
  .map(([info, lines]) => `\`\`\`${info}\n${lines.join("\n")}\n\`\`\``);
const list = fc
  .tuple(fc.boolean(), fc.array(fc.tuple(paragraph, fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 6 }))
  .map(([ordered, items]) =>
    items
      .map(([text, depth], index) => {
        const indent = "   ".repeat(index === 0 ? 0 : Math.min(depth, 1));
        const marker = ordered ? `${index + 1}. ` : "-  ";
        return `${indent}${marker}${text.replaceAll("\n", `\n${indent}   `)}`;
      })
      .join("\n"),
  );
const table = fc
  .array(fc.tuple(words(3), words(3)), { minLength: 1, maxLength: 8 })
  .map((rows) => `| one | two |\n|---|:-:|\n${rows.map(([a, b]) => `| ${a} | ${b} |`).join("\n")}`);
const quote = paragraph.map((text) => `> ${text.replaceAll("\n", "\n> ")}`);
const heading = words(5).map((text) => `## ${text}`);
const block = fc.oneof(
  { weight: 3, arbitrary: paragraph },
  code,
  list,
  table,
  quote,
  heading,
  fc.constant("---"),
  fc.integer({ min: 1, max: 700 }).map((length) => "x".repeat(length)),
);

/** As agents write it. */
export function richMarkdown(): fc.Arbitrary<string> {
  return fc.array(block, { minLength: 1, maxLength: 10 }).map((blocks) => blocks.join("\n\n"));
}

const scrap = fc.oneof(
  fc.constantFrom(..."*_`~[]()<>#|&@\\!-+=:.>\n \t\r".split("")),
  fc.constantFrom(
    "```",
    "~~~",
    "**",
    "\n\n",
    "\n- ",
    "\n1. ",
    "\n> ",
    "    ",
    "](",
    "[^1]",
    "|---|",
    "\ud83d",
    "👩‍👧",
    "<b>",
    "&amp;",
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
  word,
);

/** As nobody writes it. */
export function anyMarkdown(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.array(scrap, { maxLength: 120 }).map((scraps) => scraps.join("")),
    fc.tuple(richMarkdown(), fc.array(scrap, { maxLength: 30 })).map(([text, scraps]) => text + scraps.join("")),
  );
}
