/** What the adapter's channel ids say: `<team>/<conversation>`, or `<team>/<conversation>/<ts>` for a thread. */
import { DeliveryError } from "../../src/channel.ts";
import { type ChannelId, nativeOf } from "../../src/model.ts";

export interface Place {
  readonly team: string;
  /** Slack's id of the conversation. */
  readonly channel: string;
  /** The `ts` of the message that began the thread. */
  readonly thread?: string;
}

/** Throws a `DeliveryError` where the id is none of this adapter's. */
export function placeIn(id: ChannelId): Place {
  const [, team, channel, thread] = /^(\w+)\/(\w+)(?:\/(\d+\.\d{6}))?$/.exec(nativeOf(id)) ?? [];
  if (team === undefined || channel === undefined) throw new DeliveryError("refused", `No Slack conversation: ${id}`);
  return { team, channel, ...(thread === undefined ? {} : { thread }) };
}
