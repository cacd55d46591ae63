/**
 * A live session with a model. What a turn sends: the system prompts, the summary of the oldest part where there is
 * one, the transcript since then, and what the people say now, all within the configured number of tokens.
 */
import type { LanguageModelUsage } from "ai";
import type { AgentOption, AgentSession, AgentTurn, OpenOptions } from "../../agent.ts";
import type { AgentEvent, AgentFailure } from "../../model.ts";
import { RunSlot } from "../shared/run.ts";
import { describeCompaction, SHARE } from "./compaction.ts";
import { EFFORTS, optionsFor } from "./effort.ts";
import { failureOf } from "./failure.ts";
import { retryingFetch } from "./fetch.ts";
import { History } from "./history.ts";
import type { LlmOptions } from "./index.ts";
import { memoryOf, type Progress, stateOf } from "./memory.ts";
import { usageEvent } from "./prices.ts";
import { readPrompt } from "./prompt.ts";
import { Provider } from "./provider.ts";
import type { StepRequest } from "./step.ts";
import type { Exchange } from "./talk.ts";
import { Scale } from "./tokens.ts";
import { declared, type SessionTool, Toolbox } from "./toolbox.ts";
import { work } from "./work.ts";

/** Of the configured tokens: beyond it, the oldest part becomes a summary. */
const FULL = 4 / 5;

/** What the requests of one turn have in common. */
type Base = Pick<StepRequest, "model" | "system" | "providerOptions" | "maxOutput" | "signal"> & {
  readonly name: string;
};

export function sessionsOf(options: LlmOptions): (given: OpenOptions) => AgentSession {
  const provider = new Provider(options.config, options.env, retryingFetch(options.clock));
  return (given) => new LlmSession(options, provider, given);
}

class LlmSession implements AgentSession {
  readonly #slot = new RunSlot();
  readonly #options: LlmOptions;
  readonly #provider: Provider;
  readonly #toolbox: Toolbox;
  readonly #scale: Scale;
  readonly #history: History;
  /** Of the turn under way, or of the last one that was cut short. */
  #progress: Progress | undefined;
  /** The model of the last turn. */
  #model: string | undefined;

  constructor(options: LlmOptions, provider: Provider, given: OpenOptions) {
    const { config, env } = options;
    this.#options = options;
    this.#provider = provider;
    this.#toolbox = new Toolbox({ servers: given.mcpServers ?? {}, folder: given.folder, env });
    const { correction, summary, progress } = memoryOf(given.state);
    this.#scale = new Scale(correction);
    this.#progress = progress;
    const transcript: OpenOptions["transcript"] = (limit) => given.transcript(limit);
    this.#history = new History({ transcript, summary, context: config.context, scale: this.#scale });
  }

  run(turn: AgentTurn): AsyncIterable<AgentEvent> {
    return this.#slot.run(turn, (own) => this.#events(own));
  }

  async options(): Promise<readonly AgentOption[]> {
    const models = await this.#provider.models();
    const current = this.#model ?? models[0];
    return [
      {
        id: "model",
        ...(current === undefined ? {} : { current }),
        choices: models.map((id) => ({ id, label: id })),
      },
      { id: "effort", choices: EFFORTS.map((id) => ({ id, label: id })) },
    ];
  }

  async close(): Promise<void> {
    this.#slot.close();
    await this.#toolbox.close();
  }

  async *#events(given: AgentTurn): AsyncGenerator<AgentEvent> {
    // Also aborted where nobody listens any more: what was begun must not go on then.
    const ending = new AbortController();
    const abort = () => ending.abort(given.signal.reason);
    given.signal.addEventListener("abort", abort, { once: true });
    const turn = { ...given, signal: ending.signal };
    try {
      yield* turn.phase === "compact" ? this.#shorten(turn) : this.#answer(turn);
    } catch (error) {
      if (ending.signal.aborted) throw error;
      yield { type: "failed", failure: this.#failure(error) };
    } finally {
      given.signal.removeEventListener("abort", abort);
      ending.abort(new Error("the run is over"));
    }
  }

  async *#answer(turn: AgentTurn): AsyncGenerator<AgentEvent> {
    const { config } = this.#options;
    const base = await this.#base(turn);
    const { tools: all, problems } = await this.#toolbox.open(turn.signal);
    for (const text of problems) yield { type: "notice", text };
    const tools = turn.phase === "plan" ? harmless(all) : all;
    const talk = await this.#history.read(turn.id);
    const named = speakersIn(talk, turn) > 1;
    const most = this.#scale.characters(config.context * SHARE);
    const prompt = await readPrompt(turn, named, most);
    const overhead = base.system.length + JSON.stringify(declared(tools.values())).length;
    const spent = this.#scale.weigh({ characters: overhead + prompt.characters, images: prompt.images });
    const fitting = yield* this.#fit(talk, config.context * FULL - spent, base);
    yield* work({
      ...{ turn, tools, most, steps: config.steps },
      request: { ...base, messages: this.#history.messages(fitting, named, prompt) },
      progress: turn.attempt > 1 && this.#progress?.turn === turn.id ? this.#progress : undefined,
      // To the older protocol a tool's result is a text.
      takesPictures: config.provider !== "openai-compatible",
      save: (progress) => {
        this.#progress = progress;
        return this.#state();
      },
      used: ({ usage }, sent) => {
        const text = JSON.stringify(sent);
        const hasPictures = prompt.images > 0 || text.includes('"image-data"');
        if (!hasPictures) this.#scale.learn(text.length + overhead, usage.inputTokens ?? 0);
        return this.#used(usage, base.name);
      },
    });
    yield this.#done();
  }

  /** What of the talk goes to the model: where it has become too long, its oldest part becomes a summary first. */
  async *#fit(talk: readonly Exchange[], room: number, base: Base): AsyncGenerator<AgentEvent, readonly Exchange[]> {
    const history = this.#history;
    let kept = talk;
    let why = "This message is so long";
    if (history.isFull(talk, room)) {
      try {
        const done = await history.compact(talk, base);
        kept = done.kept;
        yield* this.#used(done.compacted.usage, base.name);
        yield this.#state();
        yield { type: "notice", text: `The conversation had become long. ${describeCompaction(done.compacted)}` };
      } catch (error) {
        base.signal.throwIfAborted();
        why = `The conversation has become so long, and no summary could be made (${this.#failure(error).message}),`;
      }
    }
    const { fitting, left } = history.fit(kept, room);
    const without = `that this answer is made without the oldest ${left} messages. Nothing was lost.`;
    if (left > 0) yield { type: "notice", text: `${why} ${without}` };
    return fitting;
  }

  async *#shorten(turn: AgentTurn): AsyncGenerator<AgentEvent> {
    const base = await this.#base(turn);
    const compacted = await this.#history.shorten(await this.#history.read(turn.id), base);
    if (compacted) yield* this.#used(compacted.usage, base.name);
    const nothing = "There is nothing to compact: the newest messages always stay as they are.";
    yield { type: "text", delta: compacted ? describeCompaction(compacted) : nothing };
    yield this.#done();
  }

  async #base(turn: AgentTurn): Promise<Base> {
    const { config } = this.#options;
    const name = await this.#provider.choose(turn.model, turn.signal);
    this.#model = name;
    return {
      name,
      model: await this.#provider.open(name),
      system: [config.systemPrompt, turn.systemPrompt].filter((text) => text).join("\n\n"),
      providerOptions: optionsFor(config.provider, name, turn.effort),
      maxOutput: config.maxOutput,
      signal: turn.signal,
    };
  }

  #failure(error: unknown): AgentFailure {
    const { config, clock } = this.#options;
    return failureOf(error, this.#provider.asked(this.#model ?? config.model), clock.now());
  }

  #used(usage: LanguageModelUsage, model: string): AgentEvent[] {
    const event = usageEvent(usage, this.#options.config.prices[model]);
    return event === undefined ? [] : [event];
  }

  #state(): AgentEvent & { type: "state" } {
    const { summary } = this.#history;
    const state = stateOf({ correction: this.#scale.correction, summary, progress: this.#progress });
    return { type: "state", state };
  }

  #done(): AgentEvent {
    this.#progress = undefined;
    return { ...this.#state(), type: "done" };
  }
}

/** What may be used while a plan is made. */
function harmless(tools: ReadonlyMap<string, SessionTool>): ReadonlyMap<string, SessionTool> {
  return new Map([...tools].filter(([, { readOnly }]) => readOnly));
}

function speakersIn(talk: readonly Exchange[], { messages }: AgentTurn): number {
  const before = talk.flatMap(({ entries }) => entries.flatMap(({ sender }) => (sender ? [sender.id] : [])));
  return new Set([...before, ...messages.map(({ sender }) => sender.id)]).size;
}
