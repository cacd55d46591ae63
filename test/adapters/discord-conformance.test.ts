import type { DiscordAdapter } from "../../adapters/discord/index.ts";
import { type ChannelId, type MessageRef, nativeOf } from "../../src/model.ts";
import {
  type ChannelHarness,
  type DeliveryFault,
  describeChannel,
  type Platform,
  type PlatformReplies,
} from "../conformance/channel.ts";
import type { OddPress, PlatformActions } from "../conformance/channel-actions.ts";
import type { FileFault, FilesHarness, SentFile } from "../conformance/channel-files.ts";
import { describeExclusive } from "../conformance/exclusive.ts";
import { CatchUp } from "../support/catch-up.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/lifetime.ts";
import {
  type DiscordTwin,
  type FaultOptions,
  shownText,
  startDiscordTwin,
  type TwinChannel,
  type User,
} from "../twins/discord/index.ts";
import { adapterOn } from "./discord-stage.ts";

class DiscordPlatform implements Platform {
  readonly twin: DiscordTwin;
  /** Where the adapter believes the server to be. */
  apiUrl: string;
  token: string;
  readonly #catchUp = new CatchUp();
  readonly #listening = new Set<DiscordAdapter>();
  readonly #conversations = new Map<number, { person: User; channel: TwinChannel }>();

  constructor(twin: DiscordTwin) {
    this.twin = twin;
    this.apiUrl = twin.apiUrl;
    this.token = twin.token;
  }

  open() {
    const adapter = this.#catchUp.attach(adapterOn(this, { timing: { deadline: 700 } }));
    const start = adapter.start.bind(adapter);
    adapter.start = async (intake) => {
      await start(intake);
      this.#listening.add(adapter);
    };
    return adapter;
  }

  async say(number: number, text: string) {
    await this.#connected();
    const { person, channel } = this.#conversation(number);
    const id = `discord:${channel.id}` as const;
    this.#catchUp.know(id);
    const said = channel.say(person, text);
    return { channel: id, id: said.id };
  }

  async attach(number: number, file: SentFile, text = "") {
    await this.#connected();
    const { person, channel } = this.#conversation(number);
    const { id } = channel.say(person, text, { files: [file] });
    return { channel: `discord:${channel.id}` as const, id };
  }

  async shown(channel: ChannelId) {
    return (this.find(channel)?.messages() ?? []).map(({ id, text }) => ({ ref: id, text }));
  }

  readonly actions: PlatformActions = {
    shown: async (channel, ref) => {
      return this.#components(channel, ref).map(({ kind, label, options }) => ({
        label,
        ...(kind === "select" ? { choices: options.map((option) => option.label) } : {}),
      }));
    },
    press: async (channel, ref, label, value) => {
      const { person, channel: room } = this.talk(channel);
      const used = this.#components(channel, ref).find((component) => component.label === label);
      await this.#connected();
      const isSelect = used?.kind === "select";
      let press = isSelect ? room.choose(person, ref, label, value ?? "") : room.click(person, ref, label);
      const settled = () => press().state === "replied" || press().state === "modal";
      await eventually(settled, () => `${label} is answered, and not ${press().state}`);
      if (press().modal !== undefined) press = room.submit(press, value ?? "");
      await eventually(settled, () => `what was written is answered, and not ${press().state}`);
      const [reply] = press().replies;
      if (reply?.ephemeral !== true) throw new Error("everybody sees the answer");
      return shownText(reply.message.content);
    },
  };

  readonly replies: PlatformReplies = {
    repliedTo: async (channel, ref) => this.#posted(channel, ref)?.replyTo,
    reply: async (number, ref, text) => {
      const { person, channel } = this.#conversation(number);
      return { channel: `discord:${channel.id}`, id: channel.say(person, text, { replyTo: ref }).id };
    },
  };

  async stop() {
    await this.twin.stop();
  }

  find(channel: ChannelId): TwinChannel | undefined {
    return this.#talks().find(({ channel: { id } }) => id === nativeOf(channel))?.channel;
  }

  /** The person and the channel behind this one. */
  talk(channel: ChannelId) {
    const found = this.#talks().find(({ channel: { id } }) => id === nativeOf(channel));
    if (found === undefined) throw new Error(`nobody talks in ${channel}`);
    return found;
  }

  /** Discord keeps nothing for who has not connected yet: whoever is about to listen listens when a person does something. */
  async #connected() {
    const connecting = () => [...this.#listening].some((adapter) => adapter.health().state === "starting");
    await eventually(() => !connecting(), "adapters connect");
  }

  #talks() {
    return [...this.#conversations.values()];
  }

  #posted(channel: ChannelId, ref: MessageRef) {
    return this.find(channel)
      ?.messages()
      .find(({ id }) => id === ref);
  }

  #components(channel: ChannelId, ref: MessageRef) {
    return this.#posted(channel, ref)?.components ?? [];
  }

  #conversation(number: number) {
    const known = this.#conversations.get(number);
    if (known !== undefined) return known;
    const person = this.twin.user({ username: `ada${number}`, global_name: `Ada ${number}` });
    const made = { person, channel: this.twin.dm(person) };
    this.#conversations.set(number, made);
    return made;
  }
}

function discord(platform: Platform): DiscordPlatform {
  if (!(platform instanceof DiscordPlatform)) throw new Error("another platform");
  return platform;
}

const POST = "POST /channels/:channel/messages";
const PATCH = "PATCH /channels/:channel/messages/:message";

const odd = (name: string, ...events: (readonly [type: string, data: unknown])[]) => ({
  name,
  put: (platform: Platform) => {
    for (const [type, data] of events) discord(platform).twin.push(type, data);
  },
});

/** Whatever tries there are, they all meet it. */
const fault = (
  name: string,
  options: FaultOptions,
  to: "send" | "edit",
  kind: DeliveryFault["kind"],
  done = false,
): DeliveryFault => ({
  name: `${to} ${name}: ${kind}`,
  arrange: (platform) =>
    void discord(platform).twin.fault({ method: to === "send" ? POST : PATCH, times: 1000, ...options }),
  to,
  kind,
  done,
});

const refuse = (status: number, code: number, message: string): FaultOptions => ({
  kind: "refuse",
  error: { status, code, message },
});

const ailing = (name: string, options: FaultOptions, state: "degraded" | "failed", detail: RegExp) => ({
  name,
  arrange: (platform: Platform) => void discord(platform).twin.fault({ times: 1_000_000, ...options }),
  state,
  detail,
  cure: (platform: Platform) => discord(platform).twin.clearFaults(),
});

/** As Discord tells of a click on "Approve", but for what is changed. */
const oddPress = (name: string, change: (click: Record<string, unknown>) => Record<string, unknown>): OddPress => ({
  name,
  put: (platform, channel, ref) => {
    const { twin } = discord(platform);
    const { person, channel: room } = discord(platform).talk(channel);
    const message = { id: ref, author: twin.bot, components: [] };
    const data = { component_type: 2, custom_id: "b:approve" };
    const place = { channel_id: room.id, user: person, message, data };
    const click = { id: twin.id(), application_id: twin.bot.id, type: 3, token: "a-token", ...place };
    twin.push("INTERACTION_CREATE", { ...click, ...change(click) });
  },
});

const message = {
  id: "1180000000000000077",
  channel_id: "1180000000000000005",
  author: { id: "1180000000000000009", username: "eve" },
  type: 0,
};

const CDN = "GET /attachments";
const READ = "GET /channels/:channel/messages/:message";

/** What is arranged strikes while the link of the message holds, or holds no longer. */
const fileFault = (
  name: string,
  options: FaultOptions | undefined,
  kind: FileFault["kind"],
  { stale = false } = {},
): FileFault => ({
  name: `a file ${name}: ${kind}`,
  arrange: (platform) => {
    const { twin } = discord(platform);
    if (stale) twin.expireLinks();
    if (options !== undefined) twin.fault(options);
  },
  kind,
});

const removed = (name: string, stale: boolean): FileFault => ({
  name: `a file ${name}: gone`,
  arrange: (platform, { channel, id }) => {
    const { twin } = discord(platform);
    if (stale) twin.expireLinks();
    discord(platform).find(channel)?.remove(id);
  },
  kind: "gone",
});

const stale = { stale: true };

const files: FilesHarness = {
  attach: (platform, conversation, file, text) => discord(platform).attach(conversation, file, text),
  faults: [
    fileFault("whose link holds no longer", undefined, "given", stale),
    removed("of a message that was deleted", false),
    removed("of a message that was deleted long ago", true),
    fileFault("with a link refused", { method: CDN, ...refuse(403, 0, "Forbidden") }, "given"),
    fileFault("of which the CDN knows nothing", { method: CDN, times: 2, ...refuse(404, 0, "Not Found") }, "gone"),
    fileFault("that the CDN never gives", { method: CDN, times: 2, ...refuse(403, 0, "Forbidden") }, "refused"),
    fileFault("with a fresh link refused", { method: READ, ...refuse(403, 50001, "Missing Access") }, "refused", stale),
    fileFault("with the token refused", { method: READ, ...refuse(401, 0, "401: Unauthorized") }, "unavailable", stale),
    fileFault("while too fast", { method: READ, kind: "429", retryAfter: 3 }, "limited", stale),
    fileFault("while the CDN is asked too fast", { method: CDN, kind: "429", retryAfter: 3 }, "limited"),
    fileFault("while the CDN fails", { method: CDN, kind: "5xx" }, "unavailable"),
    fileFault("whose connection is cut", { method: CDN, kind: "drop-before" }, "unavailable"),
    fileFault("that ends in its middle", { method: CDN, kind: "cut" }, "unavailable"),
    fileFault("that never comes", { method: CDN, kind: "hang-before" }, "unavailable"),
  ],
};

const harness: ChannelHarness = {
  start: async () => new DiscordPlatform(await startDiscordTwin()),
  files,
  oddInput: [
    odd("kinds that it does not know", ["FROM_THE_FUTURE", { a: 1 }], ["PRESENCE_UPDATE", null], ["", 7]),
    odd(
      "messages of the wrong form",
      ...[null, 7, "x", [], {}, { channel_id: 7 }, { ...message, id: "x" }, { ...message, author: 7 }].map(
        (data) => ["MESSAGE_CREATE", data] as const,
      ),
    ),
    odd(
      "messages without text",
      ["MESSAGE_CREATE", message],
      ["MESSAGE_CREATE", { ...message, content: "" }],
      ["MESSAGE_CREATE", { ...message, content: 7, attachments: [null, 7, {}] }],
    ),
    odd("messages of bots and webhooks", [
      "MESSAGE_CREATE",
      { ...message, content: "hi", author: { ...message.author, bot: true } },
    ]),
    odd("changes of the wrong form", ["MESSAGE_UPDATE", { edited_timestamp: 1 }], ["MESSAGE_DELETE_BULK", { ids: 7 }]),
    odd("interactions of the wrong form", ["INTERACTION_CREATE", { id: message.id, token: "../../x" }]),
    odd("a huge message", ["MESSAGE_CREATE", { ...message, content: "x".repeat(2_000_000) }]),
    odd("300 events at once", ...Array.from({ length: 300 }, (_, i) => ["TYPING_START", { timestamp: i }] as const)),
    {
      name: "what is no JSON",
      put: (platform) => discord(platform).twin.gateway.send("{"),
    },
  ],
  oddPresses: [
    ...[undefined, null, 7, "", "approve", "x:approve", "b:", "f:approve¦why", "s:approve"].map((custom_id) =>
      oddPress(`named ${custom_id}`, () => ({ data: { component_type: 2, custom_id } })),
    ),
    oddPress("without data", () => ({ data: null })),
    oddPress("chosen without a value", () => ({ data: { custom_id: "s:approve", values: [null, {}] } })),
    oddPress("below somebody else's message", () => ({ message: { id: "7", author: { id: "8" } } })),
    oddPress("below no message", () => ({ message: 7 })),
    oddPress("of nobody", () => ({ user: undefined })),
    oddPress("of another bot", ({ user }) => ({ user: { ...(user as object), bot: true } })),
    oddPress("nowhere", () => ({ channel_id: "here" })),
    oddPress("with a token that leads elsewhere", () => ({ token: "../../channels" })),
    oddPress("for no application", () => ({ application_id: "../me" })),
    oddPress("written into no field", () => ({ type: 5, data: { custom_id: "f:approve¦why", components: [null, 7] } })),
    oddPress("written without a form", () => ({ type: 5, data: { custom_id: "b:approve" } })),
    oddPress("of a kind that is new", () => ({ type: 99 })),
    {
      name: "twice, as after a resume",
      put: (platform, channel, ref) => {
        const { person, channel: room } = discord(platform).talk(channel);
        room.repeat(room.click(person, ref, "Approve"));
      },
    },
    {
      name: "below a message that is gone",
      put: (platform, channel, ref) => {
        const { person, channel: room } = discord(platform).talk(channel);
        room.click(person, ref, "Approve");
        room.remove(ref);
      },
    },
  ],
  faults: [
    fault("while too fast", { kind: "429", retryAfter: 3 }, "send", "limited"),
    fault("while all is too fast", { kind: "429", retryAfter: 3, global: true }, "send", "limited"),
    fault("refused by a gateway on the way", { kind: "5xx" }, "send", "unknown"),
    fault("cut off before it was done", { kind: "drop-before" }, "send", "unknown"),
    fault("cut off after it was done", { kind: "drop-after" }, "send", "unknown", true),
    fault("whose reply ends in its middle", { kind: "cut" }, "send", "unknown", true),
    fault("whose reply never comes", { kind: "hang-after" }, "send", "unknown", true),
    fault("to a channel that is no more", refuse(404, 10003, "Unknown Channel"), "send", "refused"),
    fault("without the right to see it", refuse(403, 50001, "Missing Access"), "send", "refused"),
    fault("without the right to", refuse(403, 50013, "Missing Permissions"), "send", "refused"),
    fault("with a token that was reset", refuse(401, 0, "401: Unauthorized"), "send", "unavailable"),
    {
      name: "send to somebody who takes no messages: refused",
      arrange: (platform, channel) => {
        const found = discord(platform).find(channel);
        if (found !== undefined) found.barrier = "closed";
      },
      to: "send",
      kind: "refused",
      done: false,
    },
    fault("while too fast", { kind: "429", retryAfter: 3 }, "edit", "limited"),
    fault("refused by a gateway on the way", { kind: "5xx" }, "edit", "unavailable"),
    fault("cut off after it was done", { kind: "drop-after" }, "edit", "unavailable", true),
    fault("of a message that was deleted", refuse(404, 10008, "Unknown Message"), "edit", "gone"),
    fault(
      "of somebody else's message",
      refuse(403, 50005, "Cannot edit a message authored by another user"),
      "edit",
      "gone",
    ),
  ],
  ailments: [
    ailing("a token that is wrong", refuse(401, 0, "401: Unauthorized"), "failed", /token.*Developer Portal/),
    {
      name: "a token that the gateway refuses",
      arrange: (platform) => {
        discord(platform).twin.gateway.rejecting = 4004;
      },
      state: "failed",
      detail: /token.*Developer Portal/,
      cure: (platform) => {
        discord(platform).twin.gateway.rejecting = undefined;
      },
    },
    {
      name: "a missing Message Content intent",
      arrange: (platform) => {
        discord(platform).twin.contentGranted = false;
      },
      state: "degraded",
      detail: /Message Content intent.*Developer Portal/,
      cure: (platform) => {
        discord(platform).twin.contentGranted = true;
      },
    },
    ailing("a platform that fails", { kind: "5xx" }, "degraded", /502/),
    ailing("a platform that asks for a pause", { kind: "429", retryAfter: 3, times: 1 }, "degraded", /less often/),
    ailing("a connection that breaks", { kind: "drop-before" }, "degraded", /can't be reached/),
    ailing("replies that end in their middle", { kind: "cut" }, "degraded", /can't be reached/),
    ailing("replies that never come", { kind: "hang-before", times: 2 }, "degraded", /can't be reached/),
    {
      name: "a gateway that takes no connection",
      arrange: (platform) => {
        discord(platform).twin.gateway.refusing = "status";
      },
      state: "degraded",
      detail: /has ended \(.*503/,
      cure: (platform) => {
        discord(platform).twin.gateway.refusing = "no";
      },
    },
    {
      name: "a gateway that cuts every connection",
      arrange: (platform) => {
        discord(platform).twin.gateway.refusing = "cut";
      },
      state: "degraded",
      detail: /has ended/,
      cure: (platform) => {
        discord(platform).twin.gateway.refusing = "no";
      },
    },
    {
      name: "a platform that is not there",
      arrange: async (platform) => {
        discord(platform).apiUrl = `http://127.0.0.1:${await freePort()}/api`;
      },
      state: "degraded",
      detail: /can't be reached.*ECONNREFUSED/,
    },
  ],
};

describeChannel("discord", harness);
describeExclusive("discord", harness);
