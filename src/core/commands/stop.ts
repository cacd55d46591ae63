import type { ControlEffect } from "../../model.ts";
import type { Command } from "./registry.ts";

export const stop: Command = {
  name: "stop",
  summary: "Stop the answer and drop what waits; `/stop turn` stops the answer only",
  aliases: ["cancel"],
  cancels: (args) => (args === "turn" ? "turn" : "all"),
  async run({ control }) {
    const done = stopped(control.effect);
    return { reply: done ? `⏹ ${done}` : "Nothing is running and nothing waits." };
  },
};

/** What a cancelling command did when it arrived, as a sentence; empty where there was nothing to do. */
export function stopped(effect: ControlEffect | undefined): string {
  const parts: string[] = [];
  if (effect && effect.cancelledTurn !== null) parts.push("The running answer was stopped.");
  if (effect && effect.dropped > 0) {
    parts.push(
      effect.dropped === 1 ? "1 waiting message was dropped." : `${effect.dropped} waiting messages were dropped.`,
    );
  }
  return parts.join(" ");
}
