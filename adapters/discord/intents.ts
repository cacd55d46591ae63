/** What the bot asks to be told: discord.com/developers/docs/topics/gateway#gateway-intents */
import { fields } from "./fields.ts";
import type { Rest } from "./rest.ts";

const GUILDS = 1 << 0;
const GUILD_MESSAGES = 1 << 9;
const DIRECT_MESSAGES = 1 << 12;
const MESSAGE_CONTENT = 1 << 15;

/** Flags of an application for which Message Content is switched on, in many servers or in few. */
const GRANTED = (1 << 18) | (1 << 19);

export function intents(content: boolean): number {
  return GUILDS | GUILD_MESSAGES | DIRECT_MESSAGES | (content ? MESSAGE_CONTENT : 0);
}

/** Whether the privileged intent is switched on: asking for it where it is not ends the connection. */
export async function isContentGranted(rest: Rest, signal: AbortSignal): Promise<boolean> {
  const flags = fields(await rest.call("GET", "/applications/@me", { signal }))?.flags;
  return typeof flags !== "number" || (flags & GRANTED) !== 0;
}
