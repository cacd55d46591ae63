/** Ids that the store mints. Each tells where it belongs, so that what it names is found without an index. */
import { randomBytes } from "node:crypto";
import type { ChannelId } from "../../model.ts";

/** `ses_<random>_<hash of the channel>` */
export function mintSessionId(channel: ChannelId): string {
  return `ses_${mint(channel)}`;
}

/** `ask_<random>_<hash of the channel>` */
export function mintAskId(channel: ChannelId): string {
  return `ask_${mint(channel)}`;
}

/** The hash of the channel that an id carries; undefined for one of an older form. */
export function homeOf(id: string): number | undefined {
  const [, hash] = /_[\w-]{20}_([0-9a-z]{1,7})$/.exec(id) ?? [];
  return hash === undefined ? undefined : Number.parseInt(hash, 36);
}

/** 32 bits, FNV-1a over UTF-16. It decides where a channel is kept: it must never change. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  // FNV's low bits mix badly over short texts that differ at their end only.
  hash ^= hash >>> 15;
  return hash >>> 0;
}

function mint(channel: ChannelId): string {
  return `${randomBytes(15).toString("base64url")}_${hashOf(channel).toString(36)}`;
}
