import type { ChannelId } from "../../model.ts";
import type { QueueView } from "../../store.ts";
import { readChannel } from "./channels.ts";
import { viewReceipt } from "./receipts.ts";
import { recentReceipts } from "./recents.ts";
import { readMessages, viewTurn } from "./turns.ts";
import type { View } from "./view.ts";

/** See `Store.queue`. */
export function readQueue(view: View, channel: ChannelId): QueueView {
  const row = readChannel(view, channel);
  return {
    ...(row.turn === undefined ? {} : { running: viewTurn(view, channel, row.turn) }),
    waiting: readMessages(view, channel, row.head, row.tail),
    asks: row.asks?.length ?? 0,
    commands: row.controls.length,
    recent: recentReceipts(row.recent)
      .map((receipt) => viewReceipt(row, receipt))
      .reverse(),
  };
}
