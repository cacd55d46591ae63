/** The model that the environment names, for a gateway without a configuration. */
import type { LlmConfig } from "../../config.ts";

export interface FromEnvironment {
  readonly config: LlmConfig;
  /** The variable that led to it. */
  readonly because: string;
  /** The variable that names the model. */
  readonly modelFrom: string;
}

const DEFAULTS = {
  type: "llm",
  models: [],
  context: 60_000,
  steps: 20,
  prices: {},
  onCrash: "retry",
} satisfies Partial<LlmConfig>;

const MODELS = { openai: "gpt-5-mini", anthropic: "claude-sonnet-4-5" };

/** Asked for at the server: it runs whatever its owner has put there. */
export const ANY_MODEL = "auto";

/** OPENAI_API_KEY, ANTHROPIC_API_KEY or OLLAMA_HOST, the first of them that is set; `…_MODEL` and `…_BASE_URL` beside them. */
export function llmFromEnvironment(env: NodeJS.ProcessEnv): FromEnvironment | undefined {
  const { OPENAI_API_KEY, ANTHROPIC_API_KEY, OLLAMA_HOST } = env;
  if (OPENAI_API_KEY) {
    return { config: openAi(env, OPENAI_API_KEY), because: "OPENAI_API_KEY", modelFrom: "OPENAI_MODEL" };
  }
  if (ANTHROPIC_API_KEY) {
    return { config: anthropic(env, ANTHROPIC_API_KEY), because: "ANTHROPIC_API_KEY", modelFrom: "ANTHROPIC_MODEL" };
  }
  if (OLLAMA_HOST) return { config: ollama(env, OLLAMA_HOST), because: "OLLAMA_HOST", modelFrom: "OLLAMA_MODEL" };
  return undefined;
}

/** Whatever stands at another address than OpenAI's own can be trusted to speak the older protocol only. */
function openAi({ OPENAI_BASE_URL, OPENAI_MODEL }: NodeJS.ProcessEnv, apiKey: string): LlmConfig {
  const model = OPENAI_MODEL || MODELS.openai;
  if (!OPENAI_BASE_URL) return { ...DEFAULTS, provider: "openai", apiKey, model };
  return { ...DEFAULTS, provider: "openai-compatible", baseURL: plain(OPENAI_BASE_URL), apiKey, model };
}

/** Other programs read ANTHROPIC_BASE_URL without the version that the AI SDK wants in it. */
function anthropic({ ANTHROPIC_BASE_URL, ANTHROPIC_MODEL }: NodeJS.ProcessEnv, apiKey: string): LlmConfig {
  const model = ANTHROPIC_MODEL || MODELS.anthropic;
  const config: LlmConfig = { ...DEFAULTS, provider: "anthropic", apiKey, model };
  if (!ANTHROPIC_BASE_URL) return config;
  return { ...config, baseURL: `${plain(ANTHROPIC_BASE_URL).replace(/\/v1$/, "")}/v1` };
}

/** "host", "host:port", ":port" or a URL; Ollama's own server is told by it to listen at 0.0.0.0, where nobody can be called. */
function ollama({ OLLAMA_MODEL }: NodeJS.ProcessEnv, host: string): LlmConfig {
  const [, scheme = "http", name = "", port = scheme === "https" ? "443" : "11434"] =
    /^(?:(https?):\/\/)?(\[[^\]]*\]|[^:/]*)(?::(\d+))?/.exec(host.trim()) ?? [];
  const reachable = name === "" || name === "0.0.0.0" || name === "[::]" ? "127.0.0.1" : name;
  const baseURL = `${scheme}://${reachable}:${port}/v1`;
  return { ...DEFAULTS, provider: "openai-compatible", baseURL, model: OLLAMA_MODEL || ANY_MODEL };
}

function plain(url: string): string {
  return url.replace(/\/+$/, "");
}
