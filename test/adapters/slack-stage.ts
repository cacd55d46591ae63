/** The adapter against the twin, without pacing and with short pauses. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { onTestFinished } from "vitest";
import { createSlackAdapter, type SlackAdapter, type SlackOptions } from "../../adapters/slack/index.ts";
import { hasRoutes } from "../../src/channel.ts";
import type { SlackConfig } from "../../src/config.ts";
import type { Clock } from "../../src/model.ts";
import { Core } from "../conformance/channel.ts";
import { type SlackTwin, startSlackTwin, type TwinOptions } from "../twins/slack/index.ts";

const clock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

const UNLIMITED = { burst: 1000, every: 0 };

export type Account = Pick<SlackTwin, "apiUrl" | "botToken" | "appToken" | "signingSecret">;

export function adapterOn(
  account: Account,
  { pace, timing, config, ...rest }: Omit<Partial<SlackOptions>, "config"> & { config?: Partial<SlackConfig> } = {},
): SlackAdapter {
  const { apiUrl, botToken, appToken, signingSecret } = account;
  return createSlackAdapter({
    name: "slack",
    config: {
      type: "slack",
      mode: "socket",
      sessionPer: "thread",
      apiUrl,
      botToken,
      appToken,
      signingSecret,
      ...config,
    },
    clock,
    pace: { post: UNLIMITED, edit: UNLIMITED, overall: UNLIMITED, maxWait: 60_000, ...pace },
    timing: { backoff: 10, maxBackoff: 50, rejected: 50, answerWithin: 200, ...timing },
    ...rest,
  });
}

/** Where Slack posts its requests: whatever adapter is there answers them, and while none is, nothing works. */
export class Entrance {
  readonly #server: Server;
  adapter: SlackAdapter | undefined;

  constructor() {
    const answer = getRequestListener(async (request) => {
      const { adapter } = this;
      if (adapter === undefined || !hasRoutes(adapter)) return new Response("no gateway", { status: 502 });
      return await adapter.fetch(request);
    });
    this.#server = createServer((request, response) => void answer(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/slack`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Short retries without end: what is not acknowledged comes again, as Slack's history would bring it. */
export const PATIENT: TwinOptions = { retries: [0, 20], persistent: true, ackWithin: 500, pressWithin: 3000 };

export interface Stage {
  readonly twin: SlackTwin;
  readonly adapter: SlackAdapter;
  readonly core: Core;
  readonly logged: { readonly level: string; readonly message: string; readonly fields: unknown }[];
}

/** A started adapter on a twin of its own, in the mode of its configuration; both end with the test. */
export async function stage(
  options: Parameters<typeof adapterOn>[1] = {},
  twinOptions: TwinOptions = {},
): Promise<Stage> {
  const mode = options.config?.mode ?? "socket";
  const twin = await startSlackTwin({ ...PATIENT, mode, ...twinOptions });
  const logged: Stage["logged"] = [];
  const adapter = adapterOn(twin, {
    log: (level, message, fields) => logged.push({ level, message, fields }),
    ...options,
  });
  const core = new Core();
  const entrance = new Entrance();
  entrance.adapter = adapter;
  if (mode === "http") twin.requests.url = await entrance.listen();
  onTestFinished(async () => {
    await adapter.close();
    await twin.stop();
    if (mode === "http") await entrance.close();
  });
  await adapter.start(core);
  return { twin, adapter, core, logged };
}
