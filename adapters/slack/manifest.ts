/** The app as Slack has to know it: docs.slack.dev/reference/app-manifest. */
import type { SlackConfig } from "../../src/config.ts";

/** Without these something that people rely on does not work. */
export const REQUIRED_SCOPES = [
  "app_mentions:read",
  "channels:history",
  "chat:write",
  "files:read",
  "groups:history",
  "im:history",
  "mpim:history",
  "users:read",
] as const;

/** The slash command, the status of assistant threads, and long answers as files. */
const FURTHER_SCOPES = ["assistant:write", "commands", "files:write"] as const;

const EVENTS = [
  "app_mention",
  "assistant_thread_started",
  "message.channels",
  "message.groups",
  "message.im",
  "message.mpim",
] as const;

export interface ManifestOptions {
  readonly mode: SlackConfig["mode"];
  /** Where Slack reaches the gateway, for `http`. */
  readonly url: string;
  readonly commands: readonly { readonly name: string }[];
}

export function manifestOf({ mode, url, commands }: ManifestOptions): object {
  const socket = mode === "socket";
  const request = socket ? {} : { request_url: url };
  return {
    display_information: {
      name: "Switchboard",
      description: "One durable session with an agent for every conversation",
    },
    features: {
      app_home: { home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      assistant_view: { assistant_description: "Answers in this workspace" },
      bot_user: { display_name: "Switchboard", always_online: true },
      slash_commands: [
        {
          command: "/switchboard",
          ...(socket ? {} : { url }),
          description: "Speak to the bot, or give it a command",
          usage_hint: `[${commands.map(({ name }) => name).join(" | ")}] or a message`,
          should_escape: true,
        },
      ],
    },
    oauth_config: { scopes: { bot: [...REQUIRED_SCOPES, ...FURTHER_SCOPES].sort() } },
    settings: {
      event_subscriptions: { ...request, bot_events: EVENTS },
      interactivity: { is_enabled: true, ...request },
      org_deploy_enabled: false,
      socket_mode_enabled: socket,
      token_rotation_enabled: false,
    },
  };
}
