/** Whether a model is there: its server is asked what it has, and no model for an answer. */
import type { LlmConfig } from "../../config.ts";
import { describe } from "../../errors.ts";
import { ANY_MODEL } from "./environment.ts";
import { Provider } from "./provider.ts";

export interface ModelFinding {
  readonly ok: boolean;
  /** What was found, or what is wrong and how to mend it. */
  readonly detail: string;
}

/** `modelFrom`: the variable that names the model, where it comes from the environment. */
export async function probeModel(
  config: LlmConfig,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  modelFrom?: string,
): Promise<ModelFinding> {
  const provider = new Provider(config, env, fetch);
  const { server } = provider.asked(config.model);
  try {
    const listed = await provider.listed(signal);
    if (listed === undefined)
      return { ok: true, detail: `${config.model} at ${server}, which does not list its models` };
    const wanted = config.model === ANY_MODEL ? config.models : [config.model, ...config.models];
    const missing = wanted.filter((model) => !listed.some((name) => isSame(model, name)));
    if (listed.length === 0) return { ok: false, detail: `${server} has no model. Put one there.` };
    if (missing.length === 0) return { ok: true, detail: `${wanted[0] ?? listed[0]} at ${server}` };
    const some = listed.slice(0, 10).join(", ");
    const remedy =
      modelFrom === undefined ? `Correct ${wrongKeys(config, missing)}.` : `Set ${modelFrom} to one of them.`;
    return { ok: false, detail: `${server} does not list ${missing.join(", ")}. It has: ${some}. ${remedy}` };
  } catch (error) {
    return { ok: false, detail: describe(error) };
  }
}

/** The keys that name what is missing. */
function wrongKeys({ model, models }: LlmConfig, missing: readonly string[]): string {
  const isAmongOthers = missing.some((name) => models.includes(name));
  return [...(missing.includes(model) ? ['"model"'] : []), ...(isAmongOthers ? ['"models"'] : [])].join(" and ");
}

/** Servers know their models by longer names, too: "llama3:latest", "claude-sonnet-4-5-20250929". */
function isSame(model: string, listed: string): boolean {
  return listed === model || listed === `${model}:latest` || listed.startsWith(`${model}-2`);
}
