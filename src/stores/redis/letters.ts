import type { ChannelId, DeadLetter } from "../../model.ts";
import { decode } from "./keys.ts";
import { readDraft, readMessage } from "./turns.ts";

/** A dead letter as a hash; undefined where there is none. */
export function readLetter(id: string, fields: Readonly<Record<string, string>>): DeadLetter | undefined {
  const { channel, message, reply, cause = "", attempts, at } = fields;
  if (channel === undefined) return undefined;
  return {
    id,
    channel: decode(channel) as ChannelId,
    ...(message === undefined ? {} : { message: readMessage(message) }),
    ...(reply === undefined ? {} : { reply: readDraft(reply) }),
    cause,
    attempts: Number(attempts),
    at: Number(at),
  };
}
