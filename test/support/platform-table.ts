/** The README's table of platforms, made of what the adapters themselves declare. */
import { createWebAdapter } from "../../adapters/web/index.ts";
import {
  type ChannelAdapter,
  canAnnounce,
  canEdit,
  canLookUp,
  canType,
  hasFiles,
  hasHistory,
  hasRoutes,
  isExclusive,
} from "../../src/channel.ts";
import { parseConfig } from "../../src/config.ts";
import type { Store } from "../../src/store.ts";
import { createAccount } from "./accounts.ts";
import { TestClock } from "./clock.ts";

const CONFIG = parseConfig(
  `adapters:
  telegram: { type: telegram, token: "1:a" }
  slack: { type: slack, botToken: "xoxb-1-2-a", appToken: "xapp-1" }
  http: { type: slack, mode: http, botToken: "xoxb-1-2-a", signingSecret: a }
  discord: { type: discord, token: "a.b.c" }
  web: { type: web }`,
  {},
);

const COLUMNS: readonly (readonly [title: string, entry: string])[] = [
  ["Telegram", "telegram"],
  ["Slack, sockets", "slack"],
  ["Slack, HTTP", "http"],
  ["Discord", "discord"],
  ["web page", "web"],
];

const ROWS: readonly (readonly [title: string, cell: (adapter: ChannelAdapter) => string | boolean])[] = [
  ["An answer grows in place", (adapter) => canEdit(adapter)],
  ["… one edit at most every", (adapter) => canEdit(adapter) && seconds(adapter.limits.minEditInterval)],
  ["Is told that the bot is at work", (adapter) => canType(adapter)],
  ["Knows the commands, as a menu or slash commands", (adapter) => canAnnounce(adapter)],
  ["Buttons, selects, forms", choicesBy],
  ["Files that people send reach the agent", (adapter) => hasFiles(adapter)],
  ["Characters in one message; longer answers are split", ({ limits }) => limits.maxTextLength.toLocaleString("en")],
  ["What was said while the gateway was down", keptBy],
  ["A send whose outcome got lost", doubtfulSend],
  ["Receives in", (adapter) => (isExclusive(adapter) ? "one replica at a time" : "every replica")],
  ["Needs an address that the platform can reach", (adapter) => hasRoutes(adapter) && adapter.caller === "platform"],
];

export async function platformTable(): Promise<string> {
  const adapters = COLUMNS.map(([, entry]) => adapterOf(entry));
  const rows = ROWS.map(([title, cell]) => [title, ...adapters.map((adapter) => wordFor(cell(adapter)))]);
  await Promise.all(adapters.map((adapter) => adapter.close()));
  const head = ["", ...COLUMNS.map(([title]) => title)];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function adapterOf(name: string): ChannelAdapter {
  const clock = new TestClock();
  const config = CONFIG.adapters[name];
  if (config !== undefined && config.type !== "web") return createAccount(name, config, clock);
  // Declares what it can without asking its store for anything.
  return createWebAdapter({ name, clock, store: {} as Store, commands: () => [] });
}

function choicesBy({ limits: { actions } }: ChannelAdapter): string | boolean {
  if (actions === undefined) return false;
  return ["buttons", ...(actions.select > 0 ? ["selects"] : []), ...(actions.form ? ["forms"] : [])].join(", ");
}

function keptBy(adapter: ChannelAdapter): string {
  if (hasHistory(adapter)) return "is read from the history";
  return hasRoutes(adapter) ? "is sent again by the page" : "is delivered later";
}

function doubtfulSend(adapter: ChannelAdapter): string {
  if (adapter.limits.repeatableSend) return "is repeated, and seen once";
  if (canLookUp(adapter)) return "is looked for first";
  return canEdit(adapter) ? 'can leave an empty "…"' : "is repeated with a mark";
}

function wordFor(cell: string | boolean): string {
  if (cell === true) return "yes";
  return cell === false ? "–" : cell;
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
