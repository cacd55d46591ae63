import { type ChannelAdapter, canType, DeliveryError } from "../channel.ts";
import type { ChannelId, Clock } from "../model.ts";

/** Keeps "typing…" alive, except while `isSilent`, until the returned function is called or the signal aborts. */
export function keepTyping(
  adapter: ChannelAdapter,
  channel: ChannelId,
  clock: Clock,
  isSilent: () => boolean,
  signal: AbortSignal,
): () => void {
  if (!canType(adapter)) return () => {};
  let cancelTimer: (() => void) | undefined;
  let over = false;
  const again = () => {
    if (over || signal.aborted) return;
    if (!isSilent()) {
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
