/** The platform of this adapter is the gateway itself: its page, and the store that keeps what the page shows. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createWebAdapter, type WebAdapter } from "../../adapters/web/index.ts";
import type { WireAction, WireMessage, WirePage, WirePressed } from "../../adapters/web/wire.ts";
import { systemClock } from "../../src/core/clock.ts";
import { SwitchboardError } from "../../src/errors.ts";
import { type ChannelId, channelId, type MessageRef, nativeOf } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import {
  type ChannelHarness,
  type DeliveryFault,
  describeChannel,
  type Platform,
  type PlatformReplies,
} from "../conformance/channel.ts";
import type { OddPress, PlatformActions } from "../conformance/channel-actions.ts";

/** A page in a browser: it keeps each message until the gateway has answered for it, one after the other. */
class Page {
  readonly #gone = new AbortController();
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Refuses every connection that is open, as the end of a process does. */
  #cut = new AbortController();
  adapter: WebAdapter | undefined;

  send(room: string, id: string, text: string, answers?: MessageRef): void {
    const before = this.#turns.get(room) ?? Promise.resolve();
    this.#turns.set(
      room,
      before.then(() => this.#insist(`/channels/${room}/messages`, JSON.stringify({ id, text, answers }))),
    );
  }

  cut(): void {
    this.#cut.abort();
    this.#cut = new AbortController();
    this.adapter = undefined;
  }

  async close(): Promise<void> {
    this.#gone.abort();
    this.cut();
    await Promise.all(this.#turns.values());
  }

  async press(room: string, data: string, value?: string): Promise<string> {
    const response = await this.#insist(`/channels/${room}/presses`, JSON.stringify({ data, value }));
    if (response === undefined) throw new Error("the page was closed");
    const { text } = (await response.json()) as WirePressed;
    return text;
  }

  /** Undefined where the page was closed before there was an answer. */
  async #insist(path: string, body: string): Promise<Response | undefined> {
    while (!this.#gone.signal.aborted) {
      const response = this.adapter?.fetch(request(path, body));
      const cut = new Promise<undefined>((resolve) => {
        this.#cut.signal.addEventListener("abort", () => resolve(undefined), { once: true });
      });
      const answer = await Promise.race([response, cut]);
      if (answer?.ok === true) return answer;
      await pause(5);
    }
    return undefined;
  }
}

class WebPlatform implements Platform {
  readonly #folder: string;
  readonly #page = new Page();
  readonly #store: Store;
  /** Befalls the next write of an answer. */
  fault: SwitchboardError | undefined;

  private constructor(folder: string, store: Store) {
    this.#folder = folder;
    this.#store = store;
  }

  static async start(): Promise<WebPlatform> {
    const folder = mkdtempSync(join(tmpdir(), "switchboard-web-"));
    return new WebPlatform(folder, await openLmdbStore({ path: folder, clock: systemClock, dedupeFor: 86_400_000 }));
  }

  open(): WebAdapter {
    const store = this.#store;
    const adapter = createWebAdapter({
      name: "web",
      store: {
        journalPut: async (...entry) => {
          const { fault } = this;
          this.fault = undefined;
          if (fault !== undefined) throw fault;
          return await store.journalPut(...entry);
        },
        watch: (listener) => store.watch(listener),
        journalSince: (...query) => store.journalSince(...query),
        journalPage: (...query) => store.journalPage(...query),
        queue: (channel) => store.queue(channel),
        list: (query) => store.list(query),
        receipt: (...message) => store.receipt(...message),
      },
      clock: systemClock,
      commands: () => [],
    });
    const [start, close] = [adapter.start.bind(adapter), adapter.close.bind(adapter)];
    adapter.start = async (intake) => {
      await start(intake);
      this.#page.adapter = adapter;
    };
    adapter.close = async () => {
      if (this.#page.adapter === adapter) this.#page.cut();
      await close();
    };
    return adapter;
  }

  async say(conversation: number, text: string, answers?: MessageRef) {
    const [room, id] = [`room-${conversation}`, randomUUID()];
    this.#page.send(room, id, text, answers);
    return { channel: channelId("web", room), id };
  }

  async shown(channel: ChannelId) {
    return (await this.#answers(channel)).map(({ key, html }) => ({ ref: key, text: withoutHtml(html) }));
  }

  readonly actions: PlatformActions = {
    shown: async (channel, ref) => {
      const actions = await this.#actions(channel, ref);
      return actions.map((action) => {
        if (action.kind !== "select") return { label: action.label };
        return { label: action.label, choices: action.choices.map(({ label }) => label) };
      });
    },
    press: async (channel, ref, label, value) => {
      const action = (await this.#actions(channel, ref)).find((shown) => shown.label === label);
      if (action === undefined) throw new Error(`nothing is shown by the name "${label}"`);
      return await this.#page.press(nativeOf(channel), action.data, value);
    },
  };

  readonly replies: PlatformReplies = {
    repliedTo: async (channel, ref) => (await this.#answers(channel)).find(({ key }) => key === ref)?.replyTo,
    reply: (conversation, ref, text) => this.say(conversation, text, ref),
  };

  async #actions(channel: ChannelId, ref: MessageRef): Promise<readonly WireAction[]> {
    return (await this.#answers(channel)).find(({ key }) => key === ref)?.actions ?? [];
  }

  async #answers(channel: ChannelId): Promise<Extract<WireMessage, { role: "bot" }>[]> {
    const response = await this.adapter.fetch(request(`/channels/${nativeOf(channel)}/messages`));
    const { messages } = (await response.json()) as WirePage;
    return messages.filter((message) => message.role === "bot");
  }

  get adapter(): WebAdapter {
    const { adapter } = this.#page;
    if (adapter === undefined) throw new Error("no gateway runs");
    return adapter;
  }

  async stop() {
    await this.#page.close();
    await this.#store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function request(path: string, body?: string): Request {
  const post = { method: "POST", headers: { "content-type": "application/json" } };
  return new Request(`http://localhost${path}`, body === undefined ? {} : { ...post, body });
}

function withoutHtml(html: string): string {
  return html.replace(/<[^>]*>/g, "").replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

function web(platform: Platform): WebPlatform {
  if (!(platform instanceof WebPlatform)) throw new Error("another platform");
  return platform;
}

const odd = (name: string, ...requests: (readonly [path: string, body: string])[]) => ({
  name,
  put: async (platform: Platform) => {
    for (const [path, body] of requests) await web(platform).adapter.fetch(request(path, body));
  },
});

const oddPress = (name: string, ...bodies: string[]): OddPress => ({
  name,
  put: async (platform, channel) => {
    for (const body of bodies)
      await web(platform).adapter.fetch(request(`/channels/${nativeOf(channel)}/presses`, body));
  },
});

const away = (to: DeliveryFault["to"]): DeliveryFault => ({
  name: `${to} while the store is away: unavailable`,
  arrange: (platform) => {
    web(platform).fault = new SwitchboardError("STORE_FULL", "the disk is full");
  },
  to,
  kind: "unavailable",
  done: false,
});

const posts = "/channels/room-0/messages";
const harness: ChannelHarness = {
  start: () => WebPlatform.start(),
  without: {
    typing: "the page shows by itself that a turn runs",
    announce: "the page asks for the commands when it opens",
  },
  oddInput: [
    odd("what is no JSON", [posts, "{"], [posts, ""], [posts, "\u0000"]),
    odd(
      "messages of the wrong form",
      ...["null", "7", "[]", "{}", '{"id":7,"text":"x"}'].map((body) => [posts, body] as const),
    ),
    odd(
      "messages without text",
      [posts, '{"id":"a"}'],
      [posts, '{"id":"a","text":" "}'],
      [posts, '{"id":"a","text":7}'],
    ),
    odd("a huge message", [posts, JSON.stringify({ id: "a", text: "x".repeat(2_000_000) })]),
    odd("channels that no page makes", ["/channels/..%2f..%2fx/messages", "{}"], ["/channels/ /messages", "{}"]),
  ],
  oddPresses: [
    oddPress("presses that are no JSON", "{", "", "\u0000"),
    oddPress("presses of the wrong form", "null", "7", "[]", "{}", '{"data":7}', '{"data":""}'),
    oddPress("presses of what is too long", JSON.stringify({ data: "x".repeat(65) })),
    oddPress("presses of odd letters", JSON.stringify({ data: "😀" }), JSON.stringify({ data: "a\nb" })),
    oddPress("presses with odd values", '{"data":"approve","value":7}', '{"data":"approve","value":" "}'),
    oddPress("presses with a huge value", JSON.stringify({ data: "approve", value: "x".repeat(2_000_000) })),
    oddPress("presses of what nobody made", '{"data":"forged"}'),
  ],
  // Nothing lies between this adapter and its platform: no request that could get lost, and no pace to keep.
  faults: [away("send"), away("edit")],
  ailments: [],
};

describeChannel("web", harness);
