/** What the tests of the llm agent share: an agent at a model twin, and a session with a transcript of its own. */
import { onTestFinished } from "vitest";
import type { AgentSession, OpenOptions } from "../../../src/agent.ts";
import { createLlmAgent } from "../../../src/agents/llm/index.ts";
import type { LlmConfig } from "../../../src/config.ts";
import {
  type AgentEvent,
  type Attachment,
  type Clock,
  channelId,
  type Json,
  type TranscriptEntry,
} from "../../../src/model.ts";
import { textOf, turnOf } from "../../conformance/agent.ts";
import { type ModelTwin, type ModelTwinOptions, startModelTwin } from "../../twins/models/index.ts";
import { InstantClock } from "../clock.ts";

type TurnOptions = NonNullable<Parameters<typeof turnOf>[1]> & {
  /** Default: a new one. */
  readonly id?: string;
  /** What came with the message, by name; undefined where the platform doesn't give it. */
  readonly files?: readonly (Attachment & { readonly bytes?: Uint8Array })[];
};

export async function startTwin(options: ModelTwinOptions = {}): Promise<ModelTwin> {
  const twin = await startModelTwin(options);
  onTestFinished(() => twin.stop());
  return twin;
}

export function configOf(twin: ModelTwin, config: Partial<LlmConfig> = {}): LlmConfig {
  return {
    ...{ type: "llm", provider: "openai-compatible", baseURL: twin.openai, apiKey: "key", model: "twin-model" },
    ...{ models: [], context: 60_000, steps: 20, prices: {}, onCrash: "retry" },
    ...config,
  };
}

/** A session as core keeps it: its transcript and the agent's state outlive the live session. */
export class Talk {
  readonly transcript: TranscriptEntry[] = [];
  readonly clock: InstantClock = new InstantClock();
  state: Json | undefined;
  readonly #config: LlmConfig;
  readonly #options: Partial<OpenOptions>;
  #session: AgentSession | undefined;
  #turns = 0;

  constructor(config: LlmConfig, options: Partial<OpenOptions> = {}) {
    this.#config = config;
    this.#options = options;
    onTestFinished(() => this.close());
  }

  async session(clock: Clock = this.clock): Promise<AgentSession> {
    this.#session ??= await createLlmAgent({ config: this.#config, env: {}, clock }).open({
      session: "session-1",
      channel: channelId("test", "channel-1"),
      transcript: async (limit) => this.transcript.slice(-limit),
      ...this.#options,
      ...(this.state === undefined ? {} : { state: this.state }),
    });
    return this.#session;
  }

  /** One turn, whose end is written down as core does it. */
  async say(text: string, options: TurnOptions = {}): Promise<AgentEvent[]> {
    const session = await this.session();
    const events: AgentEvent[] = [];
    const { id: turn = `turn-${++this.#turns}`, files = [], ...rest } = options;
    const given = turnOf(text, rest);
    const messages = given.messages.map((message) => (files.length > 0 ? { ...message, files } : message));
    const read = async ({ id }: Attachment) => {
      const bytes = files.find((file) => file.id === id)?.bytes;
      if (bytes === undefined) throw new Error("the platform has lost it");
      return bytes;
    };
    for await (const event of session.run({ ...given, id: turn, messages, read })) {
      if ((event.type === "state" || event.type === "done") && event.state !== undefined) this.state = event.state;
      events.push(event);
    }
    if (events.at(-1)?.type === "done") this.record(turn, text, textOf(events));
    return events;
  }

  record(turn: string, text: string, answer: string): void {
    const at = this.transcript.length;
    this.transcript.push({ role: "user", text, at, turn, sender: { id: "test:ada", name: "Ada" } });
    this.transcript.push({ role: "assistant", text: answer, at: at + 1, turn });
  }

  async close(): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
  }
}

export function failureIn(events: readonly AgentEvent[]) {
  const last = events.at(-1);
  return last?.type === "failed" ? last.failure : undefined;
}

/** The texts of the notices among the events. */
export function noticesIn(events: readonly AgentEvent[]): string[] {
  return events.flatMap((event) => (event.type === "notice" ? [event.text] : []));
}

export function usageIn(events: readonly AgentEvent[]) {
  return events.filter((event) => event.type === "usage");
}
