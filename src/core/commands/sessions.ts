import type { Session } from "../../model.ts";
import type { Command } from "./registry.ts";
import { ago } from "./words.ts";

const MOST = 10;

export const sessions: Command = {
  name: "sessions",
  summary: "This chat's sessions; `/sessions word` finds those with it in their titles",
  async run({ control, session, store, now }) {
    const text = control.args === "" ? {} : { text: control.args };
    const page = await store.list({ channel: session.channel, archived: true, limit: MOST, ...text });
    if (page.sessions.length === 0) return { reply: `No session of this chat has \`${control.args}\` in its title.` };
    const lines = [...page.sessions].sort(newestFirst).map((each) => lineOf(each, now));
    const more = page.cursor === undefined ? "" : `\n\nThere are older ones: \`/sessions word\` looks for them.`;
    return { reply: `${lines.join("\n")}${more}\n\n\`/resume id\` goes on with one of them.` };
  },
};

/** The store's order is by the minute. What ended one session began the next: they share that instant. */
function newestFirst(one: Session, other: Session): number {
  const newer = other.lastActivityAt - one.lastActivityAt || other.createdAt - one.createdAt;
  return Number(other.pinned) - Number(one.pinned) || newer;
}

function lineOf({ id, title, archivedAt, lastActivityAt, stats, agent, pinned }: Session, now: number): string {
  const state = archivedAt === undefined ? " ← now" : "";
  const pin = pinned ? " · pinned" : "";
  const name = title.replace(/[`*_[\]]/g, "") || "Untitled session";
  return `- \`${id}\` **${name}** · ${agent} · ${stats.turns} answered · ${ago(now - lastActivityAt)} ago${pin}${state}`;
}
