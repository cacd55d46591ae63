/** `protocol: text`. Standard input is the turn as one prompt, then the end; standard output is the answer as it stands. */
import { promptOf } from "../../agent.ts";
import type { AgentEvent } from "../../model.ts";
import type { Program } from "./program.ts";
import type { Protocol, TurnContext } from "./protocol.ts";

export const text: Protocol = {
  talks: false,
  beginning: async (context) => promptWith(context),
  events: textOf,
};

/** The turn as one prompt, with what must be said of files that can't be had. */
export function promptWith({ turn, files }: Pick<TurnContext, "turn" | "files">): string {
  return [promptOf(turn), ...files.missing].join("\n\n");
}

async function* textOf(program: Program): AsyncGenerator<AgentEvent> {
  const decoder = new TextDecoder();
  for await (const chunk of program.output()) {
    const delta = decoder.decode(chunk, { stream: true });
    if (delta !== "") yield { type: "text", delta };
  }
  const rest = decoder.decode();
  if (rest !== "") yield { type: "text", delta: rest };
}
