import { onTestFinished } from "vitest";
import { createWebAdapter, type WebAdapter } from "../../adapters/web/index.ts";
import type { EditOptions, Press, Pressed, SendOptions, Taken } from "../../src/channel.ts";
import { type ChannelId, channelId, type InboundEvent } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { TestClock } from "../support/clock.ts";
import { temporaryFolder } from "../support/gateway.ts";

export const ROOM: ChannelId = "web:room";

/** The adapter on a real store, with the test in the place of core. */
export class WebStage {
  readonly clock = new TestClock();
  readonly taken: InboundEvent[] = [];
  readonly pressed: Press[] = [];
  /** What core says to a press. */
  answer: Pressed = { text: "Done.", ok: true };
  /** Core can't take messages. */
  fault: Error | undefined;
  /** Core takes no messages, for this reason. */
  refusal: string | undefined;
  readonly #folder = temporaryFolder();
  store!: Store;
  adapter!: WebAdapter;

  static async open(options: { publicDir?: string; mount?: string } = {}): Promise<WebStage> {
    const stage = new WebStage();
    await stage.start(options);
    onTestFinished(() => stage.close());
    return stage;
  }

  async start(options: { publicDir?: string; mount?: string } = {}): Promise<void> {
    this.store = await openLmdbStore({ path: this.#folder, clock: this.clock, dedupeFor: 86_400_000 });
    this.adapter = createWebAdapter({
      name: "web",
      store: this.store,
      clock: this.clock,
      commands: () => [{ name: "help", summary: "List the commands" }],
      suggestions: ["slow 10"],
      ...options,
    });
    await this.adapter.start({
      take: (event) => this.#take(event),
      press: (press) => this.#press(press),
      amend: async () => {},
      missed: () => {},
    });
  }

  async close(): Promise<void> {
    await this.adapter.stop();
    await this.adapter.close();
    await this.store.close();
  }

  async #take(event: InboundEvent): Promise<Taken> {
    if (this.fault !== undefined) throw this.fault;
    if (this.refusal !== undefined) {
      await this.store.refuse(event, this.refusal);
      return { status: "refused", reason: this.refusal };
    }
    const accepted = await this.store.accept(event, { max: 100, fullNotice: "full" });
    if (accepted.status === "aside") return { status: "command" };
    if (accepted.status !== "queued") return { status: accepted.status };
    this.taken.push(event);
    return accepted;
  }

  async #press(press: Press): Promise<Pressed> {
    if (this.fault !== undefined) throw this.fault;
    this.pressed.push(press);
    return this.answer;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.adapter.fetch(new Request(`http://localhost${path}`, { headers }));
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the gateway says; the tests look into it
  async read(path: string): Promise<any> {
    return await (await this.get(path)).json();
  }

  post(body: unknown, channel = "room", type = "application/json"): Promise<Response> {
    return this.#post(`/channels/${channel}/messages`, body, type);
  }

  press(body: unknown, channel = "room", type = "application/json"): Promise<Response> {
    return this.#post(`/channels/${channel}/presses`, body, type);
  }

  #post(path: string, body: unknown, type: string): Promise<Response> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.adapter.fetch(
      new Request(`http://localhost${path}`, { method: "POST", headers: { "content-type": type }, body: text }),
    );
  }

  async say(key: string, text: string, options: Pick<SendOptions, "actions" | "replyTo"> = {}): Promise<string> {
    return await this.adapter.send(ROOM, text, { key, signal: AbortSignal.timeout(60_000), ...options });
  }

  async edit(
    ref: string,
    text: string,
    urgency: "preview" | "final" = "preview",
    options: Pick<EditOptions, "actions"> = {},
  ): Promise<void> {
    await this.adapter.edit(ROOM, ref, text, { urgency, signal: AbortSignal.timeout(60_000), ...options });
  }

  async stream(options: { after?: number; lastEventId?: string; channel?: string } = {}): Promise<Events> {
    const query = options.after === undefined ? "" : `?after=${options.after}`;
    const headers = options.lastEventId === undefined ? {} : { "last-event-id": options.lastEventId };
    const response = await this.get(`/channels/${options.channel ?? "room"}/events${query}`, headers);
    if (response.body === null || response.status !== 200) throw new Error(`no stream: ${response.status}`);
    return new Events(response.body);
  }

  /** Makes a turn run in a channel, as core does. */
  async claim(native: string) {
    const channel = channelId("web", native);
    const acquired = await this.store.acquire(channel, "replica", { source: "channel", agent: "demo", title: "" });
    if (acquired.status !== "owned") throw new Error("not owned");
    const { fence } = acquired.lease;
    const turn = await this.store.claim(channel, fence, 1);
    if (turn === undefined) throw new Error("nothing waits");
    return { channel, fence, turn };
  }
}

export interface StreamEvent {
  readonly name: string;
  readonly id: number | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the gateway says; the tests look into it
  readonly data: any;
}

/** Reads a stream of server-sent events as a browser does. */
export class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
    onTestFinished(() => this.close());
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split("\n");
        this.#text = this.#text.slice(end + 2);
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field("data");
        if (data === undefined) continue;
        const id = field("id");
        return {
          name: field("event") ?? "message",
          id: id === undefined ? undefined : Number(id),
          data: JSON.parse(data),
        };
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The next event of that name. */
  async nextOf(name: string): Promise<StreamEvent> {
    for (;;) {
      const event = await this.next();
      if (event === undefined) throw new Error(`the stream ended before "${name}"`);
      if (event.name === name) return event;
    }
  }

  /** Reads on until the condition holds for an event of that name. */
  async until(name: string, holds: (event: StreamEvent) => boolean): Promise<StreamEvent> {
    for (;;) {
      const event = await this.nextOf(name);
      if (holds(event)) return event;
    }
  }
}
