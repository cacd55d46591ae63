import { createServer } from "node:net";
import type { SlackAdapter } from "../../adapters/slack/index.ts";
import type { ChannelId } from "../../src/model.ts";
import { nativeOf } from "../../src/model.ts";
import { type ChannelHarness, describeChannel, type Platform } from "../conformance/channel.ts";
import {
  type FaultOptions,
  type SlackTwin,
  startSlackTwin,
  type TwinChat,
  type TwinUser,
} from "../twins/slack/index.ts";
import { adapterOn, Entrance, PATIENT } from "./slack-stage.ts";

type Mode = "socket" | "http";

class SlackPlatform implements Platform {
  readonly twin: SlackTwin;
  readonly mode: Mode;
  /** Where the adapter believes the server to be. */
  apiUrl: string;
  /** As the adapter has it. */
  signingSecret: string;
  readonly #entrance: Entrance;
  readonly #conversations = new Map<number, { person: TwinUser; chat: TwinChat }>();

  constructor(twin: SlackTwin, mode: Mode, entrance: Entrance) {
    this.twin = twin;
    this.mode = mode;
    this.apiUrl = twin.apiUrl;
    this.signingSecret = twin.signingSecret;
    this.#entrance = entrance;
  }

  open(): SlackAdapter {
    const { botToken, appToken } = this.twin;
    const { apiUrl, signingSecret, mode } = this;
    const adapter = adapterOn(
      { apiUrl, botToken, appToken, signingSecret },
      { timing: { deadline: 1000, helloWithin: 1000, answerWithin: 100 }, config: { mode } },
    );
    this.#entrance.adapter = adapter;
    return adapter;
  }

  async say(number: number, text: string) {
    const { person, chat } = this.#conversation(number);
    const { ts } = chat.say(person, text);
    return { channel: `slack:${this.twin.teamId}/${chat.id}` as const, id: ts };
  }

  async shown(channel: ChannelId) {
    return (this.chat(channel)?.messages() ?? []).map(({ ts, text }) => ({ ref: ts, text }));
  }

  chat(channel: ChannelId): TwinChat | undefined {
    const id = nativeOf(channel).split("/")[1];
    return [...this.#conversations.values()].find(({ chat }) => chat.id === id)?.chat;
  }

  async stop() {
    await this.twin.stop();
    await this.#entrance.close();
  }

  #conversation(number: number) {
    const known = this.#conversations.get(number);
    if (known !== undefined) return known;
    const person = this.twin.user(`Ada ${number}`);
    const made = { person, chat: this.twin.dm(person) };
    this.#conversations.set(number, made);
    return made;
  }
}

function slack(platform: Platform): SlackPlatform {
  if (!(platform instanceof SlackPlatform)) throw new Error("another platform");
  return platform;
}

const twinOf = (platform: Platform): SlackTwin => slack(platform).twin;

const odd = (name: string, ...events: unknown[]) => ({
  name,
  put: (platform: Platform) => {
    for (const event of events) twinOf(platform).push(event);
  },
});

const fault = (
  name: string,
  options: FaultOptions,
  to: "send" | "edit",
  kind: "limited" | "unavailable" | "unknown" | "gone" | "refused",
  done = false,
) => ({
  name: `${to} ${name}: ${kind}`,
  arrange: (platform: Platform) => {
    twinOf(platform).fault({ method: to === "send" ? "chat.postMessage" : "chat.update", ...options });
  },
  to,
  kind,
  done,
});

const refuse = (error: string): FaultOptions => ({ kind: "refuse", error });

const ailing = (name: string, options: FaultOptions, state: "degraded" | "failed", detail: RegExp) => ({
  name,
  arrange: (platform: Platform) => void twinOf(platform).fault({ times: 1_000_000, ...options }),
  state,
  detail,
  cure: (platform: Platform) => twinOf(platform).clearFaults(),
});

const message = {
  type: "message",
  user: "U1",
  channel: "D1",
  channel_type: "im",
  ts: "1700000000.000100",
  text: "odd",
};

const shared = (mode: Mode): ChannelHarness => ({
  start: async () => {
    const twin = await startSlackTwin({ ...PATIENT, mode });
    const entrance = new Entrance();
    twin.requests.url = await entrance.listen();
    return new SlackPlatform(twin, mode, entrance);
  },
  oddInput: [
    odd("an event of no form", null, 7, "x", [], {}),
    odd("kinds that it does not know", { type: "from_the_future" }, { type: "close" }, { type: "error" }, { type: 7 }),
    odd(
      "messages of the wrong form",
      { ...message, ts: "x" },
      { ...message, channel: { id: "D1" } },
      { ...message, user: 7 },
      { ...message, text: 7 },
      { ...message, text: "" },
      { ...message, subtype: 7 },
      { ...message, files: [null, 7, {}], text: "" },
    ),
    odd("messages of bots", { ...message, bot_id: "B1" }, { ...message, subtype: "bot_message" }),
    odd(
      "changes of the wrong form",
      { ...message, subtype: "message_changed" },
      { ...message, subtype: "message_changed", message: 7 },
      { ...message, subtype: "message_deleted", previous_message: null },
    ),
    odd("a huge message", { ...message, user: "U1", text: `<${"x".repeat(600_000)}` }),
    odd("300 events at once", ...Array.from({ length: 300 }, (_, i) => ({ type: "reaction_added", item: i }))),
  ],
  faults: [
    fault("while too fast", { kind: "429", retryAfter: 3 }, "send", "limited"),
    fault("refused by a proxy on the way", { kind: "5xx" }, "send", "unknown"),
    fault("cut off before it was done", { kind: "drop-before" }, "send", "unknown"),
    fault("cut off after it was done", { kind: "drop-after" }, "send", "unknown", true),
    fault("whose reply ends in its middle", { kind: "cut" }, "send", "unknown", true),
    fault("whose reply never comes", { kind: "hang-after" }, "send", "unknown", true),
    fault("that fails inside of Slack", refuse("internal_error"), "send", "unknown"),
    fault("to a conversation that is no more", refuse("channel_not_found"), "send", "refused"),
    fault("without the right to", refuse("restricted_action"), "send", "refused"),
    fault("with a token that was revoked", refuse("token_revoked"), "send", "unavailable"),
    fault(
      "without the scope",
      { ...refuse("missing_scope"), details: { needed: "chat:write" } },
      "send",
      "unavailable",
    ),
    {
      name: "send where the bot was removed: refused",
      arrange: (platform, channel) => slack(platform).chat(channel)?.kick(),
      to: "send",
      kind: "refused",
      done: false,
    },
    fault("while too fast", { kind: "429", retryAfter: 3 }, "edit", "limited"),
    fault("refused by a proxy on the way", { kind: "5xx" }, "edit", "unavailable"),
    fault("cut off after it was done", { kind: "drop-after" }, "edit", "unavailable", true),
    fault("of a message that was deleted", refuse("message_not_found"), "edit", "gone"),
    fault("of a message too old", refuse("edit_window_closed"), "edit", "gone"),
  ],
  ailments: [
    ailing("a token that is wrong", { method: "auth.test", ...refuse("invalid_auth") }, "failed", /botToken.*xoxb/),
    ailing("a platform that fails", { method: "auth.test", kind: "5xx" }, "degraded", /HTTP 503/),
    ailing(
      "a platform that asks for a pause",
      { method: "auth.test", kind: "429", retryAfter: 1 },
      "degraded",
      /less often/,
    ),
    ailing("a connection that breaks", { method: "auth.test", kind: "drop-before" }, "degraded", /can't be reached/),
    ailing("replies that end in their middle", { method: "auth.test", kind: "cut" }, "degraded", /can't be reached/),
    ailing(
      "replies that never come",
      { method: "auth.test", kind: "hang-before", times: 2 },
      "degraded",
      /no complete reply/,
    ),
    {
      name: "scopes that are missing",
      arrange: (platform) => void twinOf(platform).scopes.delete("im:history"),
      state: "degraded",
      detail: /im:history.*manifest/s,
    },
    {
      name: "a platform that is not there",
      arrange: async (platform) => {
        slack(platform).apiUrl = `http://127.0.0.1:${await freePort()}/api`;
      },
      state: "degraded",
      detail: /can't be reached.*ECONNREFUSED/,
    },
  ],
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const open = "apps.connections.open";
const overSockets = shared("socket");
const overHttp = shared("http");

describeChannel("slack over sockets", {
  ...overSockets,
  oddInput: [
    ...overSockets.oddInput,
    {
      name: "frames of no form",
      put: (platform) => {
        for (const raw of [
          "",
          "{",
          "null",
          "7",
          "[]",
          "{}",
          '{"type":"events_api"}',
          '{"type":"close","envelope_id":"x"}',
        ]) {
          twinOf(platform).sockets.push(raw);
        }
      },
    },
  ],
  ailments: [
    ...overSockets.ailments,
    ailing("an app-level token that is wrong", { method: open, ...refuse("invalid_auth") }, "failed", /appToken.*xapp/),
    ailing("sockets refused by a proxy", { method: open, kind: "5xx" }, "degraded", /HTTP 503/),
    ailing("sockets asked for too often", { method: open, kind: "429", retryAfter: 1 }, "degraded", /less often/),
    {
      name: "Socket Mode that is off",
      arrange: (platform) => {
        twinOf(platform).sockets.manners.disconnect = "link_disabled";
      },
      state: "failed",
      detail: /Socket Mode.*Turn it on/,
      cure: (platform) => {
        twinOf(platform).sockets.manners.disconnect = undefined;
      },
    },
    {
      name: "a greeting that never comes",
      arrange: (platform) => {
        twinOf(platform).sockets.manners.hello = false;
      },
      state: "degraded",
      detail: /greeting did not come/,
      cure: (platform) => {
        twinOf(platform).sockets.manners.hello = true;
      },
    },
  ],
});

describeChannel("slack over HTTP", {
  ...overHttp,
  ailments: [
    ...overHttp.ailments,
    {
      name: "a signing secret that is wrong",
      arrange: async (platform) => {
        slack(platform).signingSecret = "another";
        await platform.say(0, "unheard");
      },
      state: "degraded",
      detail: /signature.*signingSecret/,
    },
  ],
});
