/**
 * Two names for one send, both made from its key.
 *
 * The nonce is Discord's own means: of two posts with one nonce the second gives back the first. But Discord remembers
 * it for a few minutes only, and no history shows it (discord/discord-api-docs#6647, Rapptz/discord.py#2451). So each
 * post also ends in a mark that people don't see and that stays: "invisible operators" of Unicode, which are drawn
 * nowhere, and which Discord keeps as they are. By it a post is found again after any time, and by any process.
 */
import { createHash } from "node:crypto";

const FIRST = 0x2061;
/** Each character carries two bits: forty altogether, among the bot's own posts in one channel. */
export const MARK_LENGTH = 20;

/** 24 characters; Discord takes 25. A key is unique within its channel, a nonce must be so for the whole bot. */
export function nonceOf(channel: string, key: string): string {
  return createHash("sha256").update(`${channel}/${key}`).digest("base64url").slice(0, 24);
}

export function markOf(key: string): string {
  const bytes = createHash("sha256")
    .update(`mark ${key}`)
    .digest()
    .subarray(0, MARK_LENGTH / 4);
  const quarters = [...bytes].flatMap((byte) => [byte >> 6, (byte >> 4) & 3, (byte >> 2) & 3, byte & 3]);
  return String.fromCodePoint(...quarters.map((quarter) => FIRST + quarter));
}
