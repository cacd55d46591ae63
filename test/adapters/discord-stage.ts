/** The adapter against the twin, without pacing and with short pauses. */
import { onTestFinished } from "vitest";
import { createDiscordAdapter, type DiscordAdapter, type DiscordOptions } from "../../adapters/discord/index.ts";
import type { Press, Pressed, Taken } from "../../src/channel.ts";
import type { Amendment, Clock, InboundEvent } from "../../src/model.ts";
import { type DiscordTwin, startDiscordTwin, type TwinOptions } from "../twins/discord/index.ts";

const clock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

const UNLIMITED = { burst: 1000, every: 0 };

export function adapterOn(
  twin: Pick<DiscordTwin, "apiUrl" | "token">,
  options: Partial<DiscordOptions> = {},
): DiscordAdapter {
  const { pace, timing, config, ...rest } = options;
  return createDiscordAdapter({
    name: "discord",
    config: { type: "discord", token: twin.token, apiUrl: twin.apiUrl, ...config },
    clock,
    pace: { channel: UNLIMITED, overall: UNLIMITED, maxWait: 60_000, ...pace },
    timing: { backoff: 10, maxBackoff: 50, rejected: 50, identify: 0, recheck: 50, ...timing },
    ...rest,
  });
}

export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: unknown;
}

export interface Stage {
  readonly twin: DiscordTwin;
  readonly adapter: DiscordAdapter;
  readonly taken: InboundEvent[];
  readonly amended: Amendment[];
  /** Every press, as often as it was handed over. */
  readonly pressed: Press[];
  /** What core makes of a press. */
  readonly core: { press: (press: Press) => Promise<Pressed> };
  /** How often core was told of a gap. */
  readonly gaps: () => number;
  readonly logged: Logged[];
}

/** A started adapter on a twin of its own; both end with the test. */
export async function stage(options: Partial<DiscordOptions> = {}, twinOptions: TwinOptions = {}): Promise<Stage> {
  const twin = await startDiscordTwin(twinOptions);
  const logged: Logged[] = [];
  const adapter = adapterOn(twin, {
    log: (level, message, fields) => logged.push({ level, message, fields }),
    ...options,
  });
  const taken: InboundEvent[] = [];
  const amended: Amendment[] = [];
  const pressed: Press[] = [];
  const core: Stage["core"] = { press: async ({ data }) => ({ ok: true, text: `done: ${data}` }) };
  let gaps = 0;
  onTestFinished(async () => {
    await adapter.close();
    await twin.stop();
  });
  await adapter.start({
    take: async (event): Promise<Taken> => {
      taken.push(event);
      return { status: "queued", position: 1 };
    },
    amend: async (change) => void amended.push(change),
    press: (press) => {
      pressed.push(press);
      return core.press(press);
    },
    missed: () => void gaps++,
  });
  return { twin, adapter, taken, amended, pressed, core, gaps: () => gaps, logged };
}
