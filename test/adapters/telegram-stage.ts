/** The adapter against the twin, without pacing and with short pauses. */

import { onTestFinished } from "vitest";
import { createTelegramAdapter, type TelegramAdapter, type TelegramOptions } from "../../adapters/telegram/index.ts";
import type { Clock, InboundEvent } from "../../src/model.ts";
import { Core } from "../conformance/core.ts";
import { eventually } from "../support/eventually.ts";
import { startTelegramTwin, type TelegramTwin, type TwinOptions } from "../twins/telegram/index.ts";

const clock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

const UNLIMITED = { burst: 1000, every: 0 };

export function adapterOn(
  twin: Pick<TelegramTwin, "apiRoot" | "token">,
  options: Partial<TelegramOptions> = {},
): TelegramAdapter {
  const { pace, timing, config, ...rest } = options;
  return createTelegramAdapter({
    name: "telegram",
    config: { type: "telegram", mode: "polling", token: twin.token, apiRoot: twin.apiRoot, ...config },
    clock,
    pace: { private: UNLIMITED, group: UNLIMITED, overall: UNLIMITED, maxWait: 60_000, ...pace },
    timing: { pollSeconds: 1, backoff: 10, maxBackoff: 50, conflict: 50, rejected: 50, ...timing },
    ...rest,
  });
}

export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: unknown;
}

export interface Stage {
  readonly twin: TelegramTwin;
  readonly adapter: TelegramAdapter;
  readonly core: Core;
  /** Every event, as often as it was handed over. */
  readonly taken: InboundEvent[];
  readonly logged: Logged[];
}

/** A started adapter on a twin of its own; both end with the test. */
export async function stage(options: Partial<TelegramOptions> = {}, twinOptions: TwinOptions = {}): Promise<Stage> {
  const twin = await startTelegramTwin(twinOptions);
  const logged: Logged[] = [];
  const adapter = adapterOn(twin, {
    log: (level, message, fields) => logged.push({ level, message, fields }),
    ...options,
  });
  const core = new Core();
  onTestFinished(async () => {
    await adapter.close();
    await twin.stop();
  });
  await adapter.start(core);
  return { twin, adapter, core, taken: core.offered, logged };
}

/** A stage with a conversation that a person has begun. */
export async function talk(options?: Partial<TelegramOptions>) {
  const staged = await stage(options);
  const ada = staged.twin.user({ first_name: "Ada" });
  const chat = staged.twin.privateChat(ada);
  chat.say(ada, "hello");
  await eventually(() => staged.taken.length === 1, "the first message arrives");
  return { ...staged, ada, chat, channel: `telegram:${chat.id}` as const };
}
