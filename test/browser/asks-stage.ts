import { fileURLToPath } from "node:url";
import { type ServerType, serve } from "@hono/node-server";
import type { Browser, BrowserContextOptions, Locator } from "playwright-core";
import { onTestFinished } from "vitest";
import { createWebAdapter, type WebAdapter } from "../../adapters/web/index.ts";
import type { Action, Intake, Press, Pressed, SendOptions } from "../../src/channel.ts";
import { systemClock } from "../../src/core/clock.ts";
import { SwitchboardError } from "../../src/errors.ts";
import type { ChannelId, InboundEvent, MessageRef } from "../../src/model.ts";
import type { Hint, Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { ChatPage } from "./stage.ts";

const PAGE = fileURLToPath(new URL("../../dist/adapters/web/public", import.meta.url));
const ROOM: ChannelId = "web:room";

/** The built page before the adapter on a real store, with the test in the place of core. */
export class AsksStage {
  readonly taken: InboundEvent[] = [];
  /** As often as they were handed over. */
  readonly offered: Press[] = [];
  readonly complaints: string[] = [];
  decide: (press: Press) => Promise<Pressed> = async () => ({ text: "Done.", ok: true });
  readonly #browser: Browser;
  readonly #store: Store;
  readonly #adapter: WebAdapter;
  #asks = 0;
  #hint: (hint: Hint) => void = () => {};
  #server: ServerType | undefined;
  #url = "";
  #sent = 0;

  private constructor(browser: Browser, store: Store) {
    this.#browser = browser;
    this.#store = store;
    this.#adapter = createWebAdapter({
      name: "web",
      store: {
        journalPut: store.journalPut.bind(store),
        journalSince: store.journalSince.bind(store),
        journalPage: store.journalPage.bind(store),
        list: store.list.bind(store),
        receipt: store.receipt.bind(store),
        queue: async (channel) => ({ ...(await store.queue(channel)), asks: channel === ROOM ? this.#asks : 0 }),
        watch: (listener) => {
          this.#hint = listener;
          return store.watch(listener);
        },
      },
      clock: systemClock,
      commands: () => [{ name: "help", summary: "List the commands" }],
      publicDir: PAGE,
    });
  }

  static async open(browser: Browser): Promise<AsksStage> {
    const store = await openLmdbStore({ path: temporaryFolder(), clock: systemClock, dedupeFor: 86_400_000 });
    const stage = new AsksStage(browser, store);
    await stage.#adapter.start(stage.#intake());
    await new Promise<void>((resolve) => {
      stage.#server = serve({ fetch: stage.#adapter.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
        stage.#url = `http://127.0.0.1:${port}/`;
        resolve();
      });
    });
    onTestFinished(() => stage.#close());
    return stage;
  }

  #intake(): Intake {
    return {
      take: async (event) => {
        this.taken.push(event);
        const accepted = await this.#store.accept(event, { max: 100, fullNotice: "full" });
        return accepted.status === "queued" ? accepted : { status: "command" };
      },
      press: async (press) => {
        this.offered.push(press);
        return await this.decide(press);
      },
      amend: async () => {},
      missed: () => {},
    };
  }

  async #close(): Promise<void> {
    await this.#adapter.stop();
    await this.#adapter.close();
    await new Promise((resolve) => this.#server?.close(resolve));
    await this.#store.close();
  }

  async visit(options: BrowserContextOptions = {}): Promise<ChatPage> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    onTestFinished(() => context.close());
    context.on("weberror", (error) => this.complaints.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        this.complaints.push(message.text());
      }
    });
    const page = await context.newPage();
    await page.goto(`${this.#url}#/room`);
    return new ChatPage(page);
  }

  async say(text: string, options: Pick<SendOptions, "actions" | "replyTo"> = {}): Promise<MessageRef> {
    const key = `key-${this.#sent++}`;
    return await this.#adapter.send(ROOM, text, { key, signal: new AbortController().signal, ...options });
  }

  async edit(ref: MessageRef, text: string, actions?: readonly Action[]): Promise<void> {
    const options = { urgency: "final", signal: new AbortController().signal } as const;
    await this.#adapter.edit(ROOM, ref, text, { ...options, ...(actions === undefined ? {} : { actions }) });
  }

  /** A turn runs, or waits for so many decisions. */
  async setAsks(asks: number): Promise<void> {
    this.#asks = asks;
    this.#hint({ channel: ROOM, kind: "state" });
  }

  /** Makes a turn run over the oldest message that waits. */
  async run(): Promise<void> {
    const acquired = await this.#store.acquire(ROOM, "replica", { source: "channel", agent: "demo", title: "" });
    if (acquired.status !== "owned") throw new Error("not owned");
    await this.#store.claim(ROOM, acquired.lease.fence, 1);
  }
}

export function away(): never {
  throw new SwitchboardError("STORE_FULL", "The disk is full.");
}

/** A message that waits for a decision. */
export function cardOf(chat: ChatPage, text: string): Locator {
  return chat.page.getByRole("article", { name: "To be decided" }).filter({ hasText: text });
}
