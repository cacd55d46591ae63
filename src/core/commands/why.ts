import type { ReceiptView } from "../../model.ts";
import { oneLine } from "../one-line.ts";
import type { Command } from "./registry.ts";
import { ago, OWN } from "./words.ts";

export const why: Command = {
  name: "why",
  summary: "What became of the last messages, or of the one you reply to",
  async run({ control, session, store, now }) {
    const asked = control.replyTo ?? (control.args || undefined);
    const queue = await store.queue(session.channel);
    // Of what has ended, only its receipt is kept by its id.
    const known = [...(queue.running?.messages ?? []), ...queue.waiting];
    const texts = new Map(known.map(({ id, text }) => [id, text]));
    if (asked !== undefined) {
      const receipt = await store.receipt(session.channel, asked);
      return { reply: receipt ? line(receipt, texts, now) : `No message \`${asked}\` is remembered in this chat.` };
    }
    const others = queue.recent.filter(({ id }) => id !== control.id && !id.startsWith(OWN)).slice(0, 5);
    if (others.length === 0) return { reply: "No messages are remembered in this chat." };
    return { reply: others.map((receipt) => `- ${line(receipt, texts, now)}`).join("\n") };
  },
};

function line(view: ReceiptView, texts: ReadonlyMap<string, string>, now: number): string {
  const { id, receipt, position, caughtUp } = view;
  const text = oneLine(texts.get(id) ?? "");
  const late = caughtUp ? " (caught up: it was missed when it came)" : "";
  return `${text === "" ? `\`${id}\`` : `“${text}”`}: ${fate(receipt, position)}, ${ago(now - receipt.at)} ago${late}`;
}

function fate(receipt: ReceiptView["receipt"], position: number | undefined): string {
  switch (receipt.state) {
    case "queued":
      return position === undefined ? "queued" : `queued as #${position}`;
    case "running":
      return receipt.attempt > 1 ? `running, attempt ${receipt.attempt}` : "running";
    case "answered":
      return "answered";
    case "dropped":
      return `dropped (${receipt.reason})`;
    case "failed":
      return `failed (${receipt.cause}); \`/retry\` runs it again`;
  }
}
