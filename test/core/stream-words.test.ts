/** Whatever agents say and do, in any order: each edit is a whole face, at the platform's pace, with nothing broken in it. */
import fc from "fast-check";
import type { Nodes } from "mdast";
import { expect, test } from "vitest";
import { heal } from "../../adapters/shared/heal.ts";
import { parseMarkdown } from "../../adapters/shared/markdown.ts";
import { splitMarkdown } from "../../adapters/shared/split.ts";
import type { StreamLevel, TodoItem } from "../../src/model.ts";
import { LocalChannel } from "../support/local-channel.ts";
import { anyMarkdown } from "../support/markdown.ts";
import { Stage } from "./stream-stage.ts";

/** Splits as the platforms' adapters do. */
class MarkdownChannel extends LocalChannel {
  override split(markdown: string): string[] {
    return splitMarkdown(markdown, { max: this.limits.maxTextLength, measure: (part) => part.length });
  }
}

const title = fc.oneof(anyMarkdown(), fc.constantFrom("`npm test`", "Read `a.ts` and `b.ts`", "https://a.b/x_y_z", ""));

const step = fc.oneof(
  fc.record({ kind: fc.constant("text" as const), delta: anyMarkdown() }),
  fc.record({
    kind: fc.constant("tool" as const),
    id: fc.integer({ min: 0, max: 9 }).map(String),
    title,
    status: fc.constantFrom("running" as const, "done" as const, "failed" as const),
  }),
  fc.record({
    kind: fc.constant("todo" as const),
    items: fc.array(fc.record<TodoItem>({ text: title, status: fc.constantFrom("open", "running", "done") }), {
      maxLength: 12,
    }),
  }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
);

async function play(stage: Stage, steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) {
  for (const one of steps) {
    if (one.kind === "text") stage.preview.append(one.delta);
    else if (one.kind === "tool") stage.preview.tool(one);
    else if (one.kind === "todo") stage.preview.todo(one.items);
    else await stage.pass(one.ms, 500);
  }
  await stage.pass(2_500, 500);
}

/** A face ends its lines of tools and items before the text begins. */
function linesOf(face: string): string[] {
  const lines = face.split("\n");
  const end = lines.findIndex((line) => line !== "" && !/^(?:[…✓✗☐▸☑⚙] |_and \d+ more_$)/.test(line));
  return lines.slice(0, end < 0 ? lines.length : end).filter((line) => line !== "");
}

function kindsOf(node: Nodes): string[] {
  return [node.type, ...("children" in node ? node.children.flatMap(kindsOf) : [])];
}

function shownBy(node: Nodes): string {
  if ("children" in node) return node.children.map(shownBy).join("");
  return "value" in node ? node.value : "";
}

test("each edit is a whole face, and no more of them than the platform bears", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<StreamLevel[]>("compact", "full"),
      fc.constantFrom(120, 600, 4_096),
      fc.array(step, { minLength: 1, maxLength: 15 }),
      async (level, maxTextLength, steps) => {
        const channel = new MarkdownChannel({ maxTextLength, repeatableSend: true });
        const stage = new Stage(level, channel);
        await play(stage, steps);
        for (const [index, { at, text }] of stage.calls.entries()) {
          expect(at).toBeGreaterThanOrEqual((index + 1) * channel.limits.minEditInterval);
          expect(text).not.toBe(stage.calls[index - 1]?.text);
          expect(channel.split(text)).toHaveLength(1);
          for (const line of linesOf(text)) expect(markupOf(line), line).toEqual([]);
        }
        const text = steps.map((one) => (one.kind === "text" ? one.delta : "")).join("");
        expect(stage.preview.text).toBe(text);
        if (level === "compact") expect(stage.preview.shown).toBe("");
        const whole = channel.split(text);
        if (level === "full" && whole.length === 1) {
          // What was shown last is a beginning of the answer, and all of it where there was room.
          expect(text.startsWith(stage.preview.shown) || whole[0]?.startsWith(stage.preview.shown)).toBe(true);
        }
        stage.preview.halt();
        expect(stage.clock.pending).toBe(0);
      },
    ),
    { numRuns: 80 },
  );
});

/** What a line would be besides words, code, addresses, and the counts that are set apart. */
function markupOf(line: string): string[] {
  const plain = /^(?:☑ )?_(?:and )?\d+ more_$/.test(line) ? line.replaceAll("_", "") : line;
  const allowed = ["root", "paragraph", "text", "inlineCode", "link"];
  return [plain, heal(plain)]
    .flatMap((markdown) => kindsOf(parseMarkdown(markdown)))
    .filter((kind) => !allowed.includes(kind));
}

test("a title says what it says", async () => {
  await fc.assert(
    fc.asyncProperty(title, async (words) => {
      const stage = new Stage("full", new LocalChannel({ repeatableSend: true }));
      stage.tool("1", words);
      await stage.pass(1_000);
      const [line = ""] = linesOf(stage.text ?? "");
      const said = words
        .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, " ")
        .replace(/\p{Surrogate}/gu, "\ufffd")
        .replace(/[\s`]+/g, "");
      for (const face of [line, heal(line)]) {
        const shown = shownBy(parseMarkdown(face))
          .replace(/^… ?/, "")
          .replace(/[\s`]+/g, "");
        if (said === "") expect(shown).toMatch(/^(?:atool)?$/);
        else if (shown.endsWith("…")) expect(said.startsWith(shown.slice(0, -1)), face).toBe(true);
        else expect(shown, face).toBe(said);
      }
      expect(line.length).toBeLessThan(600);
    }),
    { numRuns: 300 },
  );
});
