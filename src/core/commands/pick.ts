import type { Ask } from "../../model.ts";
import type { CommandContext, CommandResult } from "./registry.ts";

const MOST = 20;

/** The open ask that a command means: the only one, or the one with this number of those listed. */
export async function pickAsk(
  { store, session }: CommandContext,
  number: string,
  fits: (ask: Ask) => boolean,
): Promise<{ readonly ask: Ask } | (CommandResult & { readonly reply: string })> {
  const page = await store.asks({ channel: session.channel, limit: MOST });
  const open = page.asks.filter(fits);
  const ask = number === "" && open.length === 1 ? open[0] : open[Number(number) - 1];
  if (ask) return { ask };
  if (open.length === 0) return { reply: "Nothing waits for a decision in this chat." };
  const lines = open.map(({ request }, index) => `${index + 1}. ${request.kind}: ${lineOf(request.text)}`);
  return { reply: `Which one? Put its number behind the command.\n\n${lines.join("\n")}` };
}

function lineOf(text: string): string {
  const line = text.replace(/[\s#*_`>|]+/g, " ").trim();
  return line.length > 80 ? `${line.slice(0, 79).replace(/[\ud800-\udbff]$/, "")}…` : line;
}
