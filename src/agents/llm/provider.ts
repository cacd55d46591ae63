/** The models of a configuration, and how each provider wants to be asked. Its package is loaded when it is. */
import { extractReasoningMiddleware, type LanguageModel, wrapLanguageModel } from "ai";
import { z } from "zod";
import type { LlmConfig } from "../../config.ts";
import { describe } from "../../errors.ts";
import { ANY_MODEL } from "./environment.ts";
import { type Asked, LlmError } from "./failure.ts";
import type { Fetch } from "./fetch.ts";

const SERVERS = {
  openai: { baseURL: "https://api.openai.com/v1", variable: "OPENAI_API_KEY" },
  anthropic: { baseURL: "https://api.anthropic.com/v1", variable: "ANTHROPIC_API_KEY" },
  "openai-compatible": { baseURL: "http://127.0.0.1:11434/v1", variable: undefined },
} as const;

const listing = z.object({ data: z.array(z.object({ id: z.string().min(1) })) });

/** A model that answers with vectors is no use here. */
const EMBEDS = /embed/i;

export class Provider {
  readonly #config: LlmConfig;
  readonly #env: NodeJS.ProcessEnv;
  readonly #fetch: Fetch;

  constructor(config: LlmConfig, env: NodeJS.ProcessEnv, fetch: Fetch) {
    this.#config = config;
    this.#env = env;
    this.#fetch = fetch;
  }

  /** What people can choose, the default first. Asks the server where the configuration leaves it to it. */
  async models(signal?: AbortSignal): Promise<readonly string[]> {
    const { model, models } = this.#config;
    const first = model === ANY_MODEL ? ((await this.listed(signal)) ?? []) : [model];
    return [...new Set([...first, ...models])];
  }

  /** The name of the model that a turn runs on. */
  async choose(wanted: string | undefined, signal: AbortSignal): Promise<string> {
    const { model } = this.#config;
    if (wanted === undefined && model !== ANY_MODEL) return model;
    const models = await this.models(signal);
    const chosen = wanted ?? models[0];
    if (chosen !== undefined && models.includes(chosen)) return chosen;
    const known = models.map((name) => `\`${name}\``).join(", ") || "none";
    if (wanted === undefined) {
      throw new LlmError(
        "LLM_MODEL_UNKNOWN",
        `${this.#server} has no model. Put one there, such as by \`ollama pull\`.`,
      );
    }
    throw new LlmError("LLM_MODEL_UNKNOWN", `This agent has no model "${wanted}". Choose one of: ${known}.`);
  }

  /** What the server has; undefined where it doesn't say. Rejects, in words for people, where it can't be asked. */
  async listed(signal?: AbortSignal): Promise<readonly string[] | undefined> {
    const key = this.#key();
    const own = { "x-api-key": key, "anthropic-version": "2023-06-01" };
    const headers = this.#config.provider === "anthropic" ? own : key ? { authorization: `Bearer ${key}` } : {};
    try {
      const url = `${this.#server}/models?limit=1000`;
      const response = await this.#fetch(url, { headers, ...(signal ? { signal } : {}) });
      if (response.status === 404) return undefined;
      if (response.status === 401 || response.status === 403)
        throw new Error(`it refused the key (${response.status})`);
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      const { data } = listing.parse(await response.json());
      return data.map(({ id }) => id).filter((id) => !EMBEDS.test(id));
    } catch (error) {
      const why = describe(error instanceof Error && error.cause instanceof Error ? error.cause : error);
      const message = `The models of ${this.#server} could not be listed: ${why}. Check that it runs, and the key of this agent.`;
      throw new LlmError("LLM_UNREACHABLE", message, true);
    }
  }

  async open(model: string): Promise<LanguageModel> {
    const { provider } = this.#config;
    const settings = { baseURL: this.#server, fetch: this.#fetch, apiKey: this.#key() };
    switch (provider) {
      case "anthropic": {
        const { createAnthropic } = await import("@ai-sdk/anthropic");
        return createAnthropic(settings)(model);
      }
      case "openai": {
        const { createOpenAI } = await import("@ai-sdk/openai");
        return createOpenAI(settings)(model);
      }
      case "openai-compatible": {
        const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
        // Without `includeUsage` a streamed answer says nothing of the tokens that it took.
        const plain = createOpenAICompatible({ ...settings, name: NAME, includeUsage: true })(model);
        // Local servers leave a model's thoughts in its answer, marked.
        return wrapLanguageModel({ model: plain, middleware: extractReasoningMiddleware({ tagName: "think" }) });
      }
    }
  }

  asked(model: string): Asked {
    const { variable } = SERVERS[this.#config.provider];
    const key = variable === undefined || this.#config.apiKey !== undefined ? '"apiKey" of this agent' : variable;
    return { model, server: this.#server, key };
  }

  get #server(): string {
    return this.#config.baseURL ?? SERVERS[this.#config.provider].baseURL;
  }

  /** Never the process's own environment, where the SDKs would look by themselves. */
  #key(): string {
    const { apiKey, provider } = this.#config;
    const { variable } = SERVERS[provider];
    const key = apiKey ?? (variable === undefined ? "" : this.#env[variable]);
    if (key || variable === undefined) return key ?? "";
    throw new LlmError(
      "LLM_KEY_MISSING",
      `There is no key for ${this.#server}. Set "apiKey" of this agent, or ${variable}.`,
    );
  }
}

/** By which the options of an OpenAI-compatible server go. */
export const NAME = "compatible";
