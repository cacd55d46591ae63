/** The platforms as a flow test needs them: places where people write, what they see there, and what can go wrong. */
import type { Clock } from "../../src/model.ts";
import { type DiscordTwin, startDiscordTwin } from "../twins/discord/index.ts";
import { type SlackTwin, startSlackTwin, type TwinChat } from "../twins/slack/index.ts";
import { startTelegramTwin, type TelegramTwin } from "../twins/telegram/index.ts";
import { discordRoom, type Room, slackRoom, telegramRoom } from "./asks-rooms.ts";

export type PlatformName = "telegram" | "slack" | "slack over HTTP" | "discord";

export interface Platform {
  /** Its line under `adapters`. */
  readonly config: string;
  readonly places: readonly Place[];
  /** A new conversation with so many people in it. */
  room(size: number): Room;
  /** Whether a gateway receives from it. */
  readonly heard: boolean;
  /** What the bot shows where nobody spoke to it. */
  elsewhere(): readonly string[];
  /** From now on now and then: refusals, and connections cut before and after the effect. */
  trouble(): void;
  /** For a moment it refuses nearly everything. */
  storm(): void;
  calm(): void;
  /** Cuts the connection that events come over. */
  cut(): void;
  /** Sends events once more that were delivered. */
  repeat(): void;
  /** Where the gateway answers requests now. */
  reach(url: string): void;
  stop(): Promise<void>;
}

/** A conversation of one person with the bot: a chat, or a thread. */
export interface Place {
  readonly name: string;
  /**
   * Whether what was said before has arrived for certain. A platform may deliver to several replicas at once what is
   * said before that, and promises no order then.
   */
  readonly quiet: boolean;
  say(text: string): void;
  /** The bot's messages as people see them, oldest first, without formatting. */
  shown(): readonly string[];
}

export async function startPlatform(
  name: PlatformName,
  options: { readonly seed?: number; readonly clock?: Clock },
): Promise<Platform> {
  switch (name) {
    case "telegram":
      return onTelegram(await startTelegramTwin(options));
    case "slack":
      return onSlack(await startSlackTwin({ ...options, ...STEADY }), "socket");
    case "slack over HTTP":
      return onSlack(await startSlackTwin({ ...options, ...STEADY, mode: "http" }), "http");
    case "discord":
      return onDiscord(await startDiscordTwin(options));
  }
}

/** What was not acknowledged comes again until it is, in order. */
const STEADY = { retries: [0, 300], persistent: true } as const;
const TROUBLES = ["429", "5xx", "drop-before", "drop-after", "cut"] as const;
const SHARE = 0.02;
const STORM = 12;

function onTelegram(twin: TelegramTwin): Platform {
  const places = Array.from({ length: 6 }, (_, i): Place => {
    const person = twin.user({ first_name: `Ada ${i}` });
    const chat = twin.privateChat(person);
    return {
      name: `telegram chat ${i}`,
      quiet: true,
      say: (text) => void chat.say(person, text),
      shown: () => chat.messages().map(({ text }) => text),
    };
  });
  const writing = ["sendMessage", "editMessageText"];
  return {
    config: `telegram: { type: telegram, token: "${twin.token}", apiRoot: "${twin.apiRoot}" }`,
    places,
    room: (size) => telegramRoom(twin, size),
    get heard() {
      return twin.polling;
    },
    elsewhere: () => [],
    trouble: () => {
      for (const kind of TROUBLES) twin.fault({ kind, probability: SHARE });
    },
    storm: () => void twin.fault({ kind: "429", method: writing, times: STORM, retryAfter: 1 }),
    calm: () => twin.clearFaults(),
    cut: () => void twin.fault({ kind: "drop-after", method: "getUpdates", times: 3 }),
    repeat: () => twin.redeliverAll(),
    reach: () => {},
    stop: () => twin.stop(),
  };
}

/** Direct conversations, and channels where mentions begin threads, two of them in one. */
function onSlack(twin: SlackTwin, mode: "socket" | "http"): Platform {
  const quiet = ({ id }: TwinChat) => !twin.pending().some(({ notice }) => notice.about === id);
  const people = Array.from({ length: 6 }, (_, i) => twin.user(`Ada ${i}`));
  const direct = people.slice(0, 2).map((person, i): Place => {
    const chat = twin.dm(person);
    return {
      name: `${mode} DM ${i}`,
      get quiet() {
        return quiet(chat);
      },
      say: (text) => void chat.say(person, text),
      shown: () => chat.messages().map(({ text, thread }) => (thread === undefined ? text : `in a thread: ${text}`)),
    };
  });
  const channels = ["general", "random", "help"].map((name) => twin.channel({ name, members: people }));
  const threads = new Set<string>();
  const threaded = people.slice(2).map((person, i): Place => {
    const channel = channels[i % channels.length] as TwinChat;
    let thread: string | undefined;
    const shown = () => (thread === undefined ? [] : channel.messages(thread).map(({ text }) => text));
    return {
      name: `${mode} thread ${i}`,
      get quiet() {
        return quiet(channel);
      },
      say: (text) => {
        // Where the bot has answered already, nobody names it again.
        if (thread !== undefined && shown().length > 0) channel.say(person, text, { thread });
        else {
          const { ts } = channel.mention(person, text, thread === undefined ? {} : { thread });
          thread ??= ts;
          threads.add(ts);
        }
      },
      shown,
    };
  });
  const writing = ["chat.postMessage", "chat.update"];
  // Both kinds may run in one gateway: each has a name, and so a path, of its own.
  const name = mode === "http" ? "slack-http" : "slack";
  const account =
    mode === "http" ? `mode: http, signingSecret: "${twin.signingSecret}"` : `appToken: "${twin.appToken}"`;
  return {
    config: `${name}: { type: slack, botToken: "${twin.botToken}", ${account}, apiUrl: "${twin.apiUrl}" }`,
    places: [...direct, ...threaded],
    room: (size) => slackRoom(twin, size),
    get heard() {
      return mode === "http" || twin.sockets.size > 0;
    },
    elsewhere: () =>
      channels.flatMap((channel) =>
        channel.messages().flatMap(({ thread, text }) => (thread !== undefined && threads.has(thread) ? [] : [text])),
      ),
    trouble: () => {
      for (const kind of TROUBLES) twin.fault({ kind, probability: SHARE });
    },
    storm: () => void twin.fault({ kind: "429", method: writing, times: STORM, retryAfter: 1 }),
    calm: () => twin.clearFaults(),
    cut: () => twin.sockets.drop(Math.random() < 0.5 ? undefined : "refresh_requested"),
    repeat: () => twin.redeliver(),
    reach: (url) => {
      twin.requests.url = `${url}/${name}`;
      twin.deliveries.flush();
    },
    stop: () => twin.stop(),
  };
}

/** Direct conversations, a channel where the bot is named each time, and threads below another. */
function onDiscord(twin: DiscordTwin): Platform {
  const guild = twin.guild("Team");
  const parent = guild.text("with-threads");
  const said = new Map<string, object>();
  const places = Array.from({ length: 6 }, (_, i): Place => {
    const person = twin.user({ username: `ada${i}` });
    const kind = i < 2 ? "DM" : i < 4 ? "channel" : "thread";
    const channel =
      kind === "DM" ? twin.dm(person) : kind === "channel" ? guild.text(`room-${i}`) : parent.thread(person, `t${i}`);
    const shown = () => channel.messages().map(({ text }) => text);
    return {
      name: `discord ${kind} ${i}`,
      quiet: true,
      say: (text) => {
        const named = kind === "channel" || (kind === "thread" && shown().length === 0);
        const message = named ? channel.mention(person, text) : channel.say(person, text);
        const place = channel.guildId === undefined ? {} : { guild_id: channel.guildId };
        said.set(text, { ...message, ...place });
      },
      shown,
    };
  });
  return {
    config: `discord: { type: discord, token: "${twin.token}", apiUrl: "${twin.apiUrl}" }`,
    places,
    room: (size) => discordRoom(twin, size),
    get heard() {
      return twin.gateway.connected;
    },
    elsewhere: () => parent.messages().map(({ text }) => text),
    trouble: () => {
      for (const kind of TROUBLES) twin.fault({ kind, probability: SHARE });
    },
    storm: () =>
      void twin.fault({
        kind: "429",
        when: (_, method) => /^(?:POST|PATCH) .*\/messages/.test(method),
        times: STORM,
        retryAfter: 1,
      }),
    calm: () => twin.clearFaults(),
    cut: () => {
      const chance = Math.random() * 3;
      if (chance < 1) twin.gateway.reconnect();
      else if (chance < 2) twin.gateway.invalidate();
      else twin.gateway.drop();
    },
    // Only what was answered: nobody else has seen the rest.
    repeat: () => {
      const seen = new Set(places.flatMap((place) => place.shown().join(" ").match(/q\d+/g) ?? []));
      for (const [text, message] of said) if (seen.has(text)) twin.push("MESSAGE_CREATE", message);
    },
    reach: () => {},
    stop: () => twin.stop(),
  };
}
