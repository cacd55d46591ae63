/** The demo agent's fixed texts. */

export const HELP = `I am the demo agent. I work offline and always answer the same. Write

- \`slow 10\`: I answer one line a second for 10 seconds. Write more meanwhile and see it queue; \`/stop\` ends it.
- \`fail\`: I fail each time. After the last attempt the message is set aside; \`/retry\` runs it again.
- \`fail once\`: I fail at first, and answer on the second attempt.
- \`long\`: about 12,000 characters, more than most platforms take in one message.
- \`markdown\`: every kind of formatting.
- \`count\`: how many messages this session has had. It outlives a restart.
- \`plan\`: I propose a plan and wait for it to be approved, then I carry it out. \`plan a party\`: that one.
- \`permission\`: I ask whether I may run a command.
- \`questions\`: I ask two questions, each answered apart, and repeat the answers.
- \`help\`: this.

Anything else I repeat. Where a plan comes first (\`/mode plan\`), I answer with one.`;

export const MARKDOWN = `# Heading 1
## Heading 2
### Heading 3

A paragraph with **bold**, *italic*, ***both***, ~~struck~~ and \`code\`, a [link](https://example.com/a?b=1&c=2),
a bare address https://example.com, and signs that must stay as they are: < > & " ' \\* \\_ \\\`.
A hard break follows\\
and this is the next line.

> A quote
> of two lines
>
> > and a quote inside it.

- one
- two
  - two and a half
    - deeper
- three

1. first
2. second
   1. inner
3. third

- [x] done
- [ ] to do

| Name | Count | Note |
|:-----|------:|:----:|
| apple | 3 | *red* |
| pear | 12 | \`green\` |

\`\`\`ts
function greet(name: string): string {
  return \`Hello, <\${name}> & friends\`;
}
\`\`\`

    an indented code block

---

![a picture](https://example.com/picture.png)

Other scripts: Grüße, Привет, こんにちは, مرحبا, 👩‍👩‍👧‍👦 and 🇪🇺.`;

const LONG_LENGTH = 12_000;

const SENTENCES = [
  "A message is kept before anyone is told that it arrived.",
  "Each channel has its own line, and nobody overtakes in it.",
  "What is long is cut where a reader would pause, and *never* within a word.",
  "A gateway that stops in the middle of a sentence takes it up again.",
  "Somewhere a train of thought arrives **late but complete**.",
  "The last part says what the first one began.",
  "Between two lines of code there is room for a `comment`.",
];

/** Paragraphs with running numbers, so that a missing or repeated part is seen, with a code fence after every fifth. */
export const LONG = longText();

function longText(): string {
  const blocks = ["# A long answer"];
  let length = 0;
  for (let number = 1; length < LONG_LENGTH; number++) {
    const block = number % 5 === 0 ? fence(number) : paragraph(number);
    blocks.push(block);
    length += block.length + 2;
  }
  blocks.push("**The end.**");
  return blocks.join("\n\n");
}

function paragraph(number: number): string {
  const count = 2 + ((number * 3) % 5);
  const sentences = Array.from({ length: count }, (_, index) => SENTENCES[(number + index * 2) % SENTENCES.length]);
  return `**${number}.** ${sentences.join(" ")}`;
}

function fence(number: number): string {
  const lines = Array.from(
    { length: 6 },
    (_, index) => `step(${number}, ${index + 1}); // line ${index + 1} of block ${number}`,
  );
  return `\`\`\`js\n${lines.join("\n")}\n\`\`\``;
}
