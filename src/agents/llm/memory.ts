/** What the agent keeps of a session besides its transcript: plain JSON, parsed before it is believed. */
import { type ModelMessage, modelMessageSchema } from "ai";
import { z } from "zod";
import type { Json } from "../../model.ts";

const schema = z.object({
  kind: z.literal("llm"),
  correction: z.number().positive().optional(),
  summary: z
    .object({
      text: z.string().min(1),
      /** The last turn that it covers. */
      until: z.object({ turn: z.string(), at: z.number() }),
    })
    .optional(),
  progress: z
    .object({
      turn: z.string(),
      messages: z.array(modelMessageSchema),
      begun: z.array(z.string()),
    })
    .optional(),
});

/** The oldest part of the talk, shortened. */
export interface Summary {
  readonly text: string;
  readonly until: { readonly turn: string; readonly at: number };
}

/** How far a turn that uses tools has got: an attempt that is cut short goes on from here. */
export interface Progress {
  readonly turn: string;
  /** What the model said, and what the tools gave. */
  readonly messages: readonly ModelMessage[];
  /** The ids of calls that were begun: whether they had effects is known only where their result is there. */
  readonly begun: readonly string[];
}

export interface Memory {
  readonly correction?: number | undefined;
  readonly summary?: Summary | undefined;
  readonly progress?: Progress | undefined;
}

/** A state that it never gave counts as none. */
export function memoryOf(state: Json | undefined): Memory {
  return schema.safeParse(state).data ?? {};
}

/** Characters. A turn whose tools give more than this begins anew where it is cut short. */
const MOST_PROGRESS = 500_000;

export function stateOf({ correction, summary, progress }: Memory): Json {
  const kept = progress === undefined ? undefined : JSON.stringify(progress);
  return z.json().parse({
    kind: "llm",
    ...(correction === undefined ? {} : { correction }),
    ...(summary === undefined ? {} : { summary }),
    ...(kept === undefined || kept.length > MOST_PROGRESS ? {} : { progress: JSON.parse(kept) }),
  });
}
