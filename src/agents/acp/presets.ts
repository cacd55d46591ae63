/** Agents that are known by name: how each is started as an agent of the protocol, and how it is installed. */
import type { AcpConfig } from "../../config.ts";

export type PresetName = NonNullable<AcpConfig["preset"]>;

interface Preset {
  readonly command: readonly [string, ...string[]];
  /** For people. */
  readonly install: string;
  /** Beneath what the configuration adds. */
  readonly env?: Readonly<Record<string, string>>;
  /** It does not have the gateway read files for it. */
  readonly readsItself?: true;
}

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  "claude-code": {
    command: ["claude-agent-acp"],
    install: "npm install --global @agentclientprotocol/claude-agent-acp",
  },
  codex: {
    command: ["codex-acp"],
    install: "npm install --global @agentclientprotocol/codex-acp",
  },
  gemini: {
    command: ["gemini", "--acp"],
    install: "npm install --global @google/gemini-cli",
    // Of itself it starts itself again for a larger heap, and stays as a process that waits.
    env: { GEMINI_CLI_NO_RELAUNCH: "true" },
    // It can't tell a file that is not there from one that can't be read, and then writes no new ones.
    readsItself: true,
  },
  opencode: {
    command: ["opencode", "acp"],
    install: "npm install --global opencode-ai",
    // Of itself it allows everything: then nobody would be asked.
    env: { OPENCODE_PERMISSION: JSON.stringify({ edit: "ask", bash: "ask", webfetch: "ask" }) },
  },
  goose: {
    command: ["goose", "acp"],
    install:
      "brew install block-goose-cli, or another way of https://block.github.io/goose/docs/getting-started/installation",
  },
};

/** What starts the agent. */
export function commandOf({ preset, command }: Pick<AcpConfig, "preset" | "command">): readonly string[] {
  return command ?? (preset === undefined ? [] : PRESETS[preset].command);
}

/** What is added to its environment. */
export function environmentOf({ preset, env }: Pick<AcpConfig, "preset" | "env">): Readonly<Record<string, string>> {
  return { ...(preset === undefined ? {} : PRESETS[preset].env), ...env };
}

export function readsItself({ preset }: Pick<AcpConfig, "preset">): boolean {
  return preset !== undefined && PRESETS[preset].readsItself === true;
}

/** How it is installed, for people; undefined where no preset is named. */
export function installing({ preset }: Pick<AcpConfig, "preset">): string | undefined {
  return preset === undefined ? undefined : PRESETS[preset].install;
}
