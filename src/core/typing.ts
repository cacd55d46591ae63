import { type ChannelAdapter, canType, DeliveryError } from "../channel.ts";
import type { ChannelId, Clock } from "../model.ts";
import type { Ownership } from "./ownership.ts";

/** Keeps "typing…" alive until the returned function is called or the signal aborts. */
export function keepTyping(
  adapter: ChannelAdapter,
  channel: ChannelId,
  clock: Clock,
  ownership: Pick<Ownership, "secure">,
  signal: AbortSignal,
): () => void {
  if (!canType(adapter)) return () => {};
  let cancelTimer: (() => void) | undefined;
  let over = false;
  const again = () => {
    if (over || signal.aborted) return;
    if (ownership.secure) {
      adapter.typing(channel, signal).catch((error: unknown) => {
        // Typing is a courtesy: a platform that refuses it is not asked again in this turn.
        if (error instanceof DeliveryError && error.kind === "refused") over = true;
      });
    }
    cancelTimer = clock.after(adapter.typingLasts * 0.8, again);
  };
  again();
  return () => {
    over = true;
    cancelTimer?.();
  };
}
