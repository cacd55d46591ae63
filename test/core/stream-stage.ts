import { onTestFinished } from "vitest";
import { Preview, type PreviewOptions } from "../../src/core/stream.ts";
import { type ChannelId, channelId, type StreamLevel } from "../../src/model.ts";
import { TestClock } from "../support/clock.ts";
import { LocalChannel } from "../support/local-channel.ts";

const CHANNEL: ChannelId = channelId("local", "one");

/** Knows how many of its timers are still to come. */
class CountingClock extends TestClock {
  #pending = new Set<object>();

  get pending(): number {
    return this.#pending.size;
  }

  override after(ms: number, callback: () => void): () => void {
    const timer = {};
    this.#pending.add(timer);
    const cancel = super.after(ms, () => {
      this.#pending.delete(timer);
      callback();
    });
    return () => {
      this.#pending.delete(timer);
      cancel();
    };
  }
}

/** A preview in a channel that a test can look at. */
export class Stage {
  readonly clock = new CountingClock();
  readonly channel: LocalChannel;
  readonly preview: Preview;
  /** When each send and edit was made, in ms since the start. */
  readonly calls: { at: number; text: string }[] = [];
  isWaiting = false;
  isClear = true;
  readonly #start = this.clock.now();

  constructor(level: StreamLevel, channel = new LocalChannel(), more: Partial<PreviewOptions> = {}) {
    this.channel = channel;
    const seen = channel.fault;
    channel.fault = (call, to, text) => {
      this.calls.push({ at: this.clock.now() - this.#start, text });
      seen?.(call, to, text);
    };
    this.preview = new Preview({
      level,
      adapter: channel,
      channel: CHANNEL,
      clock: this.clock,
      key: "preview-1",
      ref: undefined,
      lostSince: undefined,
      signal: new AbortController().signal,
      alive: new AbortController().signal,
      ownership: { secure: true },
      save: async () => {},
      clear: () => this.isClear,
      isWaiting: () => this.isWaiting,
      ...more,
    });
    onTestFinished(() => this.preview.halt());
  }

  /** Lets time pass, and what falls due happen before more of it passes. */
  async pass(ms: number, step = 250): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      this.clock.advance(Math.min(step, ms - passed));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What the channel shows now: one message at most. */
  get text(): string | undefined {
    return this.channel.texts(CHANNEL).join("\n---\n") || undefined;
  }

  get everSeen(): string[] {
    return this.channel.seen.map(({ text }) => text);
  }

  tool(id: string, title: string, status: "running" | "done" | "failed" = "running"): void {
    this.preview.tool({ id, title, status });
  }
}
