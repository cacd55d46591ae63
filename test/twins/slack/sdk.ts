/** Slack's own SDK on a twin, for the tests of the twin. */
import { App, LogLevel, SocketModeReceiver, webApi } from "@slack/bolt";
import { onTestFinished } from "vitest";
import { type SlackTwin, startSlackTwin, type TwinOptions } from "./index.ts";

const silent = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  setName() {},
  getLevel: () => LogLevel.ERROR,
};

/** A twin and its person, with Slack's client; the twin ends with the test. */
export async function start(options: TwinOptions = {}) {
  const twin = await startSlackTwin(options);
  onTestFinished(() => twin.stop());
  const ada = twin.user("Ada Lovelace");
  return { twin, ada, web: clientOf(twin) };
}

function clientOf(twin: SlackTwin) {
  return new webApi.WebClient(twin.botToken, {
    slackApiUrl: `${twin.apiUrl}/`,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: silent,
  });
}

const codeOf = (error: unknown) => (error instanceof webApi.WebAPIPlatformError ? error.data.error : String(error));
/** Slack's code of a refusal, or "ok". */
export const refusal = (call: Promise<unknown>) => call.then(() => "ok", codeOf);

/** A Bolt app in Socket Mode that acknowledges what it hears. It connects anew after `clientPingTimeout` ms. */
export async function bolt(twin: SlackTwin, { clientPingTimeout = 5000 } = {}) {
  const heard: string[] = [];
  const clientOptions = { slackApiUrl: `${twin.apiUrl}/` };
  const receiver = new SocketModeReceiver({
    appToken: twin.appToken,
    logger: silent,
    clientPingTimeout,
    installerOptions: { clientOptions },
  });
  const app = new App({ token: twin.botToken, receiver, logger: silent, clientOptions });
  app.message(async ({ message }) => void heard.push(`message ${"text" in message ? message.text : ""}`));
  app.event("app_mention", async ({ event }) => void heard.push(`mention ${event.text}`));
  app.command("/switchboard", async ({ command, ack }) => {
    heard.push(`command ${command.text}`);
    await ack();
  });
  await app.start();
  onTestFinished(async () => void (await app.stop()));
  return { heard, app };
}
