import type { ReceiptView } from "../../model.ts";
import type { Command } from "./registry.ts";
import { ago, OWN } from "./words.ts";

export const why: Command = {
  name: "why",
  summary: "What became of the last messages, or of the one you reply to",
  async run({ control, session, store, now }) {
    const asked = control.replyTo ?? (control.args || undefined);
    if (asked !== undefined) {
      const receipt = await store.receipt(session.channel, asked);
      return { reply: receipt ? line(receipt, now) : `No message \`${asked}\` is remembered in this chat.` };
    }
    const { recent } = await store.queue(session.channel);
    const others = recent.filter(({ id }) => id !== control.id && !id.startsWith(OWN)).slice(0, 5);
    if (others.length === 0) return { reply: "No messages are remembered in this chat." };
    return { reply: others.map((receipt) => `- ${line(receipt, now)}`).join("\n") };
  },
};

function line({ id, receipt, position, caughtUp }: ReceiptView, now: number): string {
  const late = caughtUp ? " (caught up: it was missed when it came)" : "";
  return `\`${id}\`: ${fate(receipt, position)}, ${ago(now - receipt.at)} ago${late}`;
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
