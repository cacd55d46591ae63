import { createServer } from "node:net";
import type { SlackAdapter } from "../../adapters/slack/index.ts";
import { type ChannelId, type MessageRef, nativeOf } from "../../src/model.ts";
import { type ChannelHarness, describeChannel, type Platform } from "../conformance/channel.ts";
import type { OddPress, PlatformActions } from "../conformance/channel-actions.ts";
import type { FileFault, SentFile } from "../conformance/channel-files.ts";
import { eventually } from "../support/eventually.ts";
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
  #adapter: SlackAdapter | undefined;
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
    this.#adapter = adapter;
    return adapter;
  }

  async say(number: number, text: string) {
    const { person, chat } = this.#conversation(number);
    const { ts } = chat.say(person, text);
    return { channel: `slack:${this.twin.teamId}/${chat.id}` as const, id: ts };
  }

  async attach(number: number, file: SentFile, text = "") {
    const { person, chat } = this.#conversation(number);
    const { ts } = chat.share(person, text, [file]);
    return { channel: `slack:${this.twin.teamId}/${chat.id}` as const, id: ts };
  }

  async shown(channel: ChannelId) {
    return (this.chat(channel)?.messages() ?? []).map(({ ts, text }) => ({ ref: ts, text }));
  }

  readonly actions: PlatformActions = {
    shown: async (channel, ref) => {
      const elements = this.chat(channel)?.actions(ref) ?? [];
      return elements.map(({ label, options }) => ({
        label,
        ...(options === undefined ? {} : { choices: options.map((option) => option.label) }),
      }));
    },
    press: async (channel, ref, label, value) => {
      const { person, chat } = this.talk(channel);
      // Slack tells of a press once: there is nobody to hear it before.
      await eventually(() => this.#adapter?.health().state !== "starting", "it receives");
      const isSelect = chat.actions(ref).find((element) => element.label === label)?.type === "static_select";
      const used = isSelect ? chat.choose(person, ref, label, value ?? "") : chat.click(person, ref, label);
      if (!(await used.acknowledged)) throw new Error(`${label} was not acknowledged`);
      if (!isSelect && value !== undefined) {
        const form = () => this.twin.modals(person).find(({ trigger }) => trigger === used.trigger);
        await this.twin.until(() => form() !== undefined);
        await form()?.submit(value);
        const errors = Object.values(form()?.errors ?? {});
        if (errors.length > 0) return errors.join();
      }
      await this.twin.until(() => used.told.length > 0);
      return used.told.join();
    },
  };

  /** The person and the conversation behind this channel. */
  talk(channel: ChannelId): { readonly person: TwinUser; readonly chat: TwinChat } {
    const id = nativeOf(channel).split("/")[1];
    const found = [...this.#conversations.values()].find(({ chat }) => chat.id === id);
    if (found === undefined) throw new Error(`nobody talks in ${channel}`);
    return found;
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

const BUTTON = { type: "button", action_id: "button:approve", block_id: "b", value: "approve" };
const SELECT = { type: "static_select", action_id: "select:approve", block_id: "b" };

/** An action below the message, and what stands in the payload in place of what belongs there. */
const oddPress = (name: string, action: unknown, instead: Record<string, unknown> = {}): OddPress => ({
  name,
  put: (platform, channel, ref: MessageRef) => {
    const { person, chat } = slack(platform).talk(channel);
    chat.act(person, ref, action, instead);
  },
});

const ODD_PRESSES: readonly OddPress[] = [
  ...[undefined, null, 7, "", "approve", "x:approve", "button:", "Button:approve"].map((action_id) =>
    oddPress(`named ${action_id}`, { ...BUTTON, action_id }),
  ),
  ...[null, 7, "x", []].map((action) => oddPress(`of no form: ${JSON.stringify(action)}`, action)),
  oddPress("without actions", BUTTON, { actions: null }),
  oddPress("without a choice", { ...SELECT, selected_option: null }),
  oddPress("with a choice of no form", { ...SELECT, selected_option: { value: 7 } }),
  oddPress("below somebody else's message", BUTTON, { message: { user: "U9", ts: "1.000000", text: "x" } }),
  oddPress("below a message of no form", BUTTON, { message: { user: "U0TWINBOT", ts: 7 } }),
  oddPress("below no message", BUTTON, { message: undefined, container: null }),
  oddPress("of nobody", BUTTON, { user: null }),
  oddPress("nowhere", BUTTON, { channel: undefined, container: undefined }),
  oddPress("elsewhere", BUTTON, { channel: { id: "../C1 /x" } }),
  oddPress("with nowhere to respond", BUTTON, { response_url: "no address" }),
  oddPress("to open a form, too late", { ...BUTTON, action_id: "form:approve" }, { trigger_id: "1.2.3" }),
  oddPress("to open a form, without the right to", { ...BUTTON, action_id: "form:approve" }, { trigger_id: 7 }),
  oddPress("of a kind that is new", BUTTON, { type: "from_the_future" }),
  oddPress("of no kind", BUTTON, { type: 7 }),
  oddPress("sent off with no form", BUTTON, { type: "view_submission", view: 7 }),
  ...["", "{", "7", '{"team":"T0TWIN","channel":"D1"}', '{"team":"T9","channel":"D1","data":"approve"}'].map((memory) =>
    oddPress(`sent off with a form that remembers ${memory}`, BUTTON, {
      type: "view_submission",
      view: {
        callback_id: "switchboard_form",
        private_metadata: memory,
        state: { values: { text: { text: { value: "why" } } } },
      },
    }),
  ),
  {
    name: "below a message that is gone",
    put: (platform, channel, ref) => {
      const { person, chat } = slack(platform).talk(channel);
      chat.click(person, ref, "Approve");
      chat.remove(ref);
    },
  },
  {
    name: "twice",
    put: async (platform, channel, ref) => {
      const { person, chat } = slack(platform).talk(channel);
      await chat.click(person, ref, "Approve").acknowledged;
      twinOf(platform).redeliver(({ notice }) => notice.type === "interactive");
    },
  },
  {
    name: "of no form at all",
    put: (platform) => {
      for (const payload of [null, 7, "x", [], {}]) {
        twinOf(platform).deliveries.add({ type: "interactive", payload, about: "odd" });
      }
    },
  },
];

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

function fileFault(name: string, options: FaultOptions, kind: FileFault["kind"]): FileFault {
  return { name: `${name}: ${kind}`, arrange: (platform) => void twinOf(platform).fault(options), kind };
}

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
  oddPresses: ODD_PRESSES,
  files: {
    attach: (platform, conversation, file, text) => slack(platform).attach(conversation, file, text),
    faults: [
      fileFault("that is not there any more", { method: "files.info", ...refuse("file_deleted") }, "gone"),
      fileFault("asked for too fast", { method: "files.info", kind: "429", retryAfter: 3 }, "limited"),
      fileFault("while the server fails", { method: "download", kind: "5xx" }, "unavailable"),
      fileFault("whose connection is cut", { method: "download", kind: "drop-before" }, "unavailable"),
      fileFault("that ends in its middle", { method: "download", kind: "cut" }, "unavailable"),
      fileFault("that never comes", { method: "download", kind: "hang-before" }, "unavailable"),
    ],
  },
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
