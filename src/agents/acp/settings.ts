/**
 * What can be set in a session of an agent: its mode, model, reasoning effort and other options, by whichever of the
 * protocol's three ways the agent offers: configuration options, modes, or (older agents) a list of models.
 */
import { AGENT_METHODS } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { AgentOption, AgentTurn } from "../../agent.ts";
import { AcpFailure } from "./failure.ts";
import type { Link } from "./link.ts";
import { modeFor } from "./modes.ts";

const text = z.string();
const choice = z.object({ value: text, name: text });
const group = z.object({ options: z.array(choice) });
const configOption = z.object({
  id: text,
  name: text.catch(""),
  category: text.nullish().catch(undefined),
  type: text,
  currentValue: z.union([text, z.boolean()]),
  options: z.array(z.union([choice, group])).catch([]),
});
const configOptions = z
  .array(z.unknown())
  .transform((options) => options.flatMap((option) => configOption.safeParse(option).data ?? []));
const modes = z.object({
  currentModeId: text,
  availableModes: z.array(z.object({ id: text, name: text.catch("") })).catch([]),
});
const models = z.object({
  currentModelId: text,
  availableModels: z.array(z.object({ modelId: text, name: text.catch("") })).catch([]),
});
/** What an agent tells of a session's settings when it has opened it. */
export const opened = z.object({
  modes: modes.nullish().catch(undefined),
  configOptions: configOptions.nullish().catch(undefined),
  models: models.nullish().catch(undefined),
});
const changed = z.object({ configOptions });

type Value = string | boolean;

/** One thing that can be set, however the agent wants it set. */
interface Setting {
  readonly id: string;
  readonly category: string | undefined;
  readonly current: Value;
  readonly choices: readonly { readonly id: string; readonly label: string }[];
  readonly way: "option" | "mode" | "model";
}

/** Some agents give their options no category. */
const BY_ID: Readonly<Record<string, RegExp>> = {
  mode: /^modes?$/i,
  model: /^model(_?id)?$/i,
  thought_level: /^((model_)?reasoning(_?effort)?|effort|thinking(_?(level|budget))?|thought_?level)$/i,
};

export class Settings {
  readonly #link: Link;
  readonly #sessionId: string;
  #options: readonly z.infer<typeof configOption>[] = [];
  #modes: z.infer<typeof modes> | undefined;
  #models: z.infer<typeof models> | undefined;
  /** As they were before the gateway changed them for a turn. */
  readonly #own = new Map<string, Value>();
  /** What was refused, which is told once. */
  readonly #told = new Set<string>();
  readonly #operatorsMode: boolean;

  constructor(link: Link, sessionId: string, configured: Readonly<Record<string, Value>>) {
    this.#link = link;
    this.#sessionId = sessionId;
    this.#operatorsMode = configured.mode !== undefined;
  }

  read(response: z.infer<typeof opened>): void {
    if (response.configOptions) this.#options = response.configOptions;
    if (response.modes) this.#modes = response.modes;
    if (response.models) this.#models = response.models;
  }

  /** Empty: nobody knows to which. */
  modeChanged(currentModeId: string): void {
    if (this.#modes) this.#modes = { ...this.#modes, currentModeId };
  }

  /** It has a mode of this name. */
  hasMode(id: string): boolean {
    return this.#modes?.availableModes.some((mode) => mode.id === id) ?? false;
  }

  optionsChanged(options: unknown): void {
    const read = configOptions.safeParse(options);
    if (read.success) this.#options = read.data;
  }

  /** Sets what the operator wants in each session. Returns what people should know. */
  async configure(configured: Readonly<Record<string, Value>>): Promise<string[]> {
    const notices: string[] = [];
    for (const [id, value] of Object.entries(configured)) {
      const setting = this.#find(id);
      if (setting) notices.push(...(await this.#set(setting, value)));
      else notices.push(`The agent has no option "${id}", which the configuration sets. It has: ${this.#names()}.`);
    }
    return notices;
  }

  /** Sets what the turn wants. Returns what people should know. */
  async prepare({ mode, phase, model, effort }: AgentTurn): Promise<string[]> {
    return [
      ...(await this.#setMode(phase === "plan" ? "plan" : mode)),
      ...(await this.#choose("model", model)),
      ...(await this.#choose("thought_level", effort)),
    ];
  }

  choices(): AgentOption[] {
    return (["model", "effort"] as const).flatMap((id) => {
      const setting = this.#find(id === "effort" ? "thought_level" : id);
      if (!setting || setting.choices.length === 0) return [];
      return {
        id,
        ...(typeof setting.current === "string" ? { current: setting.current } : {}),
        choices: setting.choices,
      };
    });
  }

  /** What the agent calls a mode in which it does as `mode` says. */
  modeNamed(mode: AgentTurn["mode"]): string | undefined {
    return modeFor(mode, this.#find("mode")?.choices ?? []);
  }

  async #setMode(mode: AgentTurn["mode"]): Promise<string[]> {
    const setting = this.#find("mode");
    if (!setting) return [];
    const own = this.#ownOf(setting);
    const { choices } = setting;
    const careful = modeFor("ask", choices);
    const planning = modeFor("plan", choices);
    // A session may have been left in its plan mode, and is opened again in it.
    const usual = own === planning ? (careful ?? choices.find(({ id }) => id !== planning)?.id ?? own) : own;
    // Where no mode fits, the agent asks, and core answers by the turn's: its own one might not ask. An operator's
    // choice is undone for a plan alone.
    const isOperators = this.#operatorsMode && mode !== "plan";
    const wanted = isOperators ? usual : (modeFor(mode, choices) ?? careful ?? usual);
    if (wanted === setting.current) return [];
    const notices = await this.#set(setting, wanted);
    // One that it may not be in here: in its careful one it asks at least, and is in its plan mode no more.
    const { current } = this.#find("mode") ?? setting;
    if (careful === undefined || wanted === planning || [wanted, careful].includes(String(current))) return notices;
    return [...notices, ...(await this.#set(setting, careful))];
  }

  async #choose(category: "model" | "thought_level", value: string | undefined): Promise<string[]> {
    const setting = this.#find(category);
    if (!setting) {
      if (value === undefined) return [];
      const what = category === "model" ? "model" : "reasoning effort";
      return this.#once(`${category}:none`, `The agent leaves nobody a choice of its ${what}: "${value}" was not set.`);
    }
    const wanted = value ?? this.#ownOf(setting);
    this.#ownOf(setting);
    return wanted === setting.current ? [] : await this.#set(setting, wanted);
  }

  /** Its value before the gateway set one. */
  #ownOf({ id, current }: Setting): Value {
    const own = this.#own.get(id) ?? current;
    this.#own.set(id, own);
    return own;
  }

  async #set(setting: Setting, value: Value): Promise<string[]> {
    const { id, choices } = setting;
    if (typeof value === "string" && choices.length > 0 && !choices.some((choice) => choice.id === value)) {
      const known = choices.map((choice) => choice.id).join(", ");
      return this.#once(`${id}:${value}`, `The agent has no "${value}" for "${id}". It has: ${known}.`);
    }
    try {
      await this.#send(setting, value);
      return [];
    } catch (error) {
      // It lives, and goes on as it is; where it has ended, the prompt tells.
      if (!(error instanceof AcpFailure) || error.failure.code !== "ACP_ERROR") throw error;
      return this.#once(`${id}:${value}`, `"${id}" stays as it is. ${error.message}`);
    }
  }

  async #send({ id, way }: Setting, value: Value): Promise<void> {
    const sessionId = this.#sessionId;
    const doing = `set "${id}" to "${value}"`;
    if (way === "mode") {
      const modeId = String(value);
      await this.#link.request(AGENT_METHODS.session_set_mode, { sessionId, modeId }, z.unknown(), doing);
      this.modeChanged(modeId);
    } else if (way === "model") {
      const modelId = String(value);
      await this.#link.request("session/set_model", { sessionId, modelId }, z.unknown(), doing);
      if (this.#models) this.#models = { ...this.#models, currentModelId: modelId };
    } else {
      const params = { sessionId, configId: id, value, ...(typeof value === "boolean" ? { type: "boolean" } : {}) };
      const method = AGENT_METHODS.session_set_config_option;
      const { configOptions } = await this.#link.request(method, params, changed, doing);
      this.#options = configOptions;
    }
  }

  /** By an option's id or its category; the older ways only where there is no option for it. */
  #find(wanted: string): Setting | undefined {
    const options = this.#options.map(settingOf);
    const found =
      options.find(({ id }) => id === wanted) ??
      options.find(({ category }) => category === wanted) ??
      options.find(({ id }) => BY_ID[wanted]?.test(id));
    if (found) return found;
    if (wanted === "mode" && this.#modes) {
      const choices = this.#modes.availableModes.map(({ id, name }) => ({ id, label: name || id }));
      return { id: "mode", category: "mode", current: this.#modes.currentModeId, choices, way: "mode" };
    }
    if (wanted === "model" && this.#models) {
      const choices = this.#models.availableModels.map(({ modelId, name }) => ({
        id: modelId,
        label: name || modelId,
      }));
      return { id: "model", category: "model", current: this.#models.currentModelId, choices, way: "model" };
    }
    return undefined;
  }

  #names(): string {
    const names = [
      ...this.#options.map(({ id }) => id),
      ...(this.#modes ? ["mode"] : []),
      ...(this.#models ? ["model"] : []),
    ];
    return [...new Set(names)].join(", ") || "none";
  }

  #once(what: string, notice: string): string[] {
    if (this.#told.has(what)) return [];
    this.#told.add(what);
    return [notice];
  }
}

function settingOf({ id, category, currentValue, options }: z.infer<typeof configOption>): Setting {
  const choices = options
    .flatMap((entry) => ("options" in entry ? entry.options : [entry]))
    .map(({ value, name }) => ({ id: value, label: name }));
  return { id, category: category ?? undefined, current: currentValue, choices, way: "option" };
}
