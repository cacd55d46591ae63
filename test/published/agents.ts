/** The published agents: how each is made to talk to a local model, and what it is told to make it do something. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AcpConfig } from "../../src/config.ts";
import type { PermissionMode } from "../../src/model.ts";
import type { ModelTwin } from "../twins/models/index.ts";

export interface PublishedAgent {
  readonly preset: NonNullable<AcpConfig["preset"]>;
  /** Writes what it is configured by into its home, and returns the environment that it needs. */
  configure(home: string, twin: ModelTwin): Record<string, string>;
  /** A prompt that has it write the word into the file, for which it needs a permission, but for some modes. */
  write(file: string, word: string, mode?: PermissionMode): string;
  /** Another model that people can choose, and what the model server is then asked for. */
  readonly model: { readonly choice: string; readonly asked: RegExp };
  /** The modes in which it writes unasked. */
  readonly unasked: readonly PermissionMode[];
  /**
   * It can't always open its own session again: then it begins a new one, and is told what was said. Gemini can do so
   * once at most, and not in the minute in which the session began.
   */
  readonly forgets?: true;
  /** An environment in which it refuses to be in modes in which it would work unasked. */
  readonly guarded?: Readonly<Record<string, string>>;
  /** A prompt that has it say its plan and ask to leave its plan mode, where it has one. */
  readonly leavePlan?: (plan: string) => string;
}

export const AGENTS: readonly PublishedAgent[] = [
  {
    preset: "claude-code",
    configure: (home, twin) => ({
      CLAUDE_CONFIG_DIR: join(home, ".claude"),
      ANTHROPIC_BASE_URL: twin.anthropic,
      ANTHROPIC_API_KEY: "a-key",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      // Only then it has a mode that asks nothing where root runs it.
      IS_SANDBOX: "1",
      // The model would have to look for the tool that leaves the plan mode.
      ENABLE_TOOL_SEARCH: "false",
    }),
    write: (file, word) => call("Write", { file_path: file, content: word }),
    model: { choice: "haiku", asked: /haiku/ },
    unasked: ["accept-edits", "bypass"],
    leavePlan: (plan) => call("ExitPlanMode", { plan }),
  },
  {
    preset: "opencode",
    configure: (home, twin) => {
      const models = { "twin-model": { name: "Twin" }, "other-model": { name: "Other" } };
      const options = { baseURL: twin.openai, apiKey: "a-key" };
      const config = {
        ...{ autoupdate: false, share: "disabled", enabled_providers: ["twin"] },
        ...{ model: "twin/twin-model", small_model: "twin/twin-model" },
        provider: { twin: { npm: "@ai-sdk/openai-compatible", name: "Twin", options, models } },
      };
      file(join(home, ".config/opencode/opencode.json"), JSON.stringify(config));
      return { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" };
    },
    write: (path, word) => call("write", { filePath: path, content: word }),
    model: { choice: "twin/other-model", asked: /^other-model$/ },
    // It has no modes but "build" and "plan": it asks always, and the gateway answers.
    unasked: [],
  },
  {
    preset: "codex",
    configure: (home, twin) => {
      const lines = [
        'model = "gpt-5.5"\nmodel_provider = "twin"\ncheck_for_update_on_startup = false',
        `[model_providers.twin]\nname = "Twin"\nbase_url = "${twin.openai}"\nwire_api = "responses"\nenv_key = "TWIN_KEY"`,
        "[analytics]\nenabled = false",
      ];
      file(join(home, ".codex/config.toml"), lines.join("\n\n"));
      return { TWIN_KEY: "a-key" };
    },
    write: (path, word, mode) => {
      const escalated = { sandbox_permissions: "require_escalated", justification: "May it be written?" };
      const cmd = { cmd: `printf ${word} > ${path}`, yield_time_ms: 5_000 };
      return call("exec_command", mode === "bypass" ? cmd : { ...cmd, ...escalated });
    },
    model: { choice: "gpt-5.6-terra", asked: /^gpt-5\.6-terra$/ },
    unasked: ["bypass"],
  },
  {
    preset: "gemini",
    configure: (home, twin) => {
      const config = {
        general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
        privacy: { usageStatisticsEnabled: false },
        security: { auth: { selectedType: "gemini-api-key" } },
        // Of itself it has another model choose the model for each turn, and ends turns that repeat themselves.
        model: { name: "gemini-2.5-pro", disableLoopDetection: true },
      };
      file(join(home, ".gemini/settings.json"), JSON.stringify(config));
      // Only where the folder is trusted it has modes in which it works unasked.
      const trust = { GEMINI_CLI_TRUST_WORKSPACE: "true" };
      return { ...trust, GEMINI_API_KEY: "a-key", GOOGLE_GEMINI_BASE_URL: twin.gemini };
    },
    write: (path, word) => call("write_file", { file_path: path, content: word }),
    model: { choice: "gemini-3.5-flash-lite", asked: /^gemini-3\.5-flash-lite$/ },
    unasked: ["accept-edits", "bypass"],
    forgets: true,
    guarded: { GEMINI_CLI_TRUST_WORKSPACE: "false" },
    leavePlan: (plan) => {
      const name = "plan.md";
      return `${call("write_file", { file_path: name, content: plan })} ${call("exit_plan_mode", { plan_filename: name })}`;
    },
  },
];

function call(tool: string, input: object): string {
  return `[[call ${tool} ${JSON.stringify(input)}]]`;
}

function file(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
