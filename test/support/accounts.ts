/** Adapters in the process of the test, made from lines of the configuration. */
import { createDiscordAdapter } from "../../adapters/discord/index.ts";
import { createSlackAdapter } from "../../adapters/slack/index.ts";
import { createTelegramAdapter } from "../../adapters/telegram/index.ts";
import type { ChannelAdapter } from "../../src/channel.ts";
import type { Config } from "../../src/config.ts";
import type { Clock } from "../../src/model.ts";

export type AccountConfig = Exclude<Config["adapters"][string], { type: "web" }>;

export function createAccount(name: string, config: AccountConfig, clock: Clock): ChannelAdapter {
  switch (config.type) {
    case "telegram":
      return createTelegramAdapter({ name, config, clock });
    case "slack":
      return createSlackAdapter({ name, config, clock });
    case "discord":
      return createDiscordAdapter({ name, config, clock });
  }
}
