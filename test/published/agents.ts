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
];

function call(tool: string, input: object): string {
  return `[[call ${tool} ${JSON.stringify(input)}]]`;
}

function file(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
