/** What stands beside a person's own message: where it is on its way. */
import type { WireReceipt, WireState } from "../wire.ts";
import type { UnsentMessage } from "./unsent.ts";

export interface Status {
  readonly kind: "sending" | "queued" | "running" | "asks" | "answered" | "dropped" | "failed";
  readonly text: string;
}

export function statusOf(
  id: string,
  state: WireState | undefined,
  receipts: Readonly<Record<string, WireReceipt>>,
): Status | undefined {
  const place = state?.waiting.indexOf(id) ?? -1;
  if (place >= 0) return { kind: "queued", text: `Queued #${place + 1}` };
  if (state?.running?.ids.includes(id)) {
    if (state.asks > 0) return { kind: "asks", text: "Waiting for you" };
    const { attempt } = state.running;
    return { kind: "running", text: attempt > 1 ? `Running, attempt ${attempt}` : "Running" };
  }
  const receipt = receipts[id];
  switch (receipt?.state) {
    case "answered":
      return { kind: "answered", text: "Answered" };
    case "dropped":
      return { kind: "dropped", text: `Dropped: ${receipt.reason}` };
    case "failed":
      return { kind: "failed", text: `Failed: ${receipt.cause}` };
    default:
      return undefined;
  }
}

export function statusOfUnsent(message: UnsentMessage): Status {
  if (message.refused) return { kind: "failed", text: `Not sent: ${message.trouble}` };
  if (message.trouble !== undefined) return { kind: "sending", text: `Not sent yet: ${message.trouble} Trying again…` };
  return { kind: "sending", text: "Sending…" };
}
