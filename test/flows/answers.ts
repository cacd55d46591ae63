/** Answers whose every word is told apart, so that what people see can be held to what the agent said. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Answer {
  /** What the agent says, in the pieces between which it takes its time. */
  readonly pieces: readonly string[];
  /** All of its words, in order. */
  readonly words: readonly string[];
}

/** Longer than one message of any platform. */
const LONG = 5_200;
const WORD = /q\d+w\d+/g;
/** What lays a text out. Letters, digits and the signs of Markdown are none of it. */
const LAYOUT = /^[\s•◦▪─│┼—.:]*$/u;

/** Says what stands in the files that are named for the question, with a pause in between where there are two. */
export const ANSWERING = [
  "read -r question",
  'cat "$ANSWERS/$question.0"',
  'if [ -f "$ANSWERS/$question.1" ]; then sleep 2.5; cat "$ANSWERS/$question.1"; fi',
].join("; ");

/** Mostly short ones at once; now and then one that is long, or that grows slowly. The question is `q<number>`. */
export function answerTo(number: number): Answer {
  const words: string[] = [];
  const next = (count = 1): string => {
    const taken = Array.from({ length: count }, (_, i) => `q${number}w${words.length + i}`);
    words.push(...taken);
    return taken.join(" ");
  };
  const short = () => `${next(2)} **${next(2)}** *${next()}* \`${next()}\` [${next()}](https://example.org/${number}).`;
  const section = () =>
    [
      `## ${next(3)}`,
      `${next(8)}, **${next(2)} *${next()}* ${next()}**: ${next(12)}.`,
      `- ${next(5)}\n- ${next(3)} \`${next(2)}\`\n  - ${next(4)}`,
      `\`\`\`js\n${next(6)}\n\n  ${next(6)}\n\`\`\``,
      `> ${next(6)}\n> ${next(4)}`,
    ].join("\n\n");
  const long = () => {
    const sections: string[] = [];
    while (sections.join("\n\n").length < LONG) sections.push(section());
    return sections.join("\n\n");
  };
  if (number % 20 === 7) return { pieces: [long()], words };
  if (number % 20 === 17) return { pieces: [`${long()}\n\n`, short()], words };
  if (number % 5 === 3) return { pieces: [`${section()}\n\n`, section()], words };
  return { pieces: [short()], words };
}

export function writeAnswer(folder: string, number: number, { pieces }: Answer): void {
  for (const [i, piece] of pieces.entries()) writeFileSync(join(folder, `q${number}.${i}`), piece);
}

/** The words of answers that messages show, in order, and whatever else stands there and should not. */
export function readAnswers(messages: readonly string[]): { readonly words: string[]; readonly others: string[] } {
  return {
    words: messages.flatMap((text) => text.match(WORD) ?? []),
    others: messages.filter((text) => !LAYOUT.test(text.replace(WORD, "").replaceAll(",", ""))),
  };
}
