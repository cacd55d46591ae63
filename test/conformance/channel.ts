/**
 * What every channel adapter must do, whatever platform is behind it. A test file makes a harness for its platform (a
 * real server on loopback, or the adapter's own) and calls `describeChannel`.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type AdapterHealth,
  type ChannelAdapter,
  canAnnounce,
  canEdit,
  canType,
  DeliveryError,
} from "../../src/channel.ts";
import { adapterOf, type ChannelId, type MessageRef } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { describeActions, type OddPress, type PlatformActions } from "./channel-actions.ts";
import { describeFiles, type FilesHarness } from "./channel-files.ts";
import { Core } from "./core.ts";

export { Core } from "./core.ts";

export interface ChannelHarness {
  /** Called before each test: a platform with one bot account, where nothing has happened yet. */
  start(): Promise<Platform>;
  /** Why the adapter has none of these capabilities, where it has none. */
  readonly without?: Partial<Record<"edit" | "typing" | "announce", string>>;
  /** Each must leave what is written afterwards untouched. */
  readonly oddInput: readonly { readonly name: string; put(platform: Platform): void | Promise<void> }[];
  /** Where messages can have actions: what the platform may say of them that no person did. */
  readonly oddPresses?: readonly OddPress[];
  /** Where the adapter gives what people attach. */
  readonly files?: FilesHarness;
  /** What can go wrong with one delivery. */
  readonly faults: readonly DeliveryFault[];
  /** What can be wrong with the account or the way to the platform. */
  readonly ailments: readonly Ailment[];
}

export interface Platform {
  /** A new adapter for the account, as in a process that has just been started. */
  open(): ChannelAdapter;
  /** A person writes to the bot, in the direct conversation of this number. The platform delivers it until it is acknowledged. */
  say(conversation: number, text: string): Promise<{ readonly channel: ChannelId; readonly id: string }>;
  /** The bot's messages that can be seen there, oldest first, without their formatting. */
  shown(channel: ChannelId): Promise<readonly { readonly ref: MessageRef; readonly text: string }[]>;
  /** Where `limits.actions` is declared. */
  readonly actions?: PlatformActions;
  /** Where the platform has replies. */
  readonly replies?: PlatformReplies;
  stop(): Promise<void>;
}

export interface PlatformReplies {
  /** The message that this one of the bot's stands as a reply to. */
  repliedTo(channel: ChannelId, ref: MessageRef): Promise<MessageRef | undefined>;
  /** The person of this conversation replies to a message of the bot. */
  reply(
    conversation: number,
    ref: MessageRef,
    text: string,
  ): Promise<{ readonly channel: ChannelId; readonly id: string }>;
}

export interface DeliveryFault {
  readonly name: string;
  /** Befalls the next `send`, or final `edit`, in this channel. */
  arrange(platform: Platform, channel: ChannelId): void | Promise<void>;
  readonly to: "send" | "edit";
  readonly kind: DeliveryError["kind"];
  /** Whether the text can be seen afterwards, though the adapter can't know. */
  readonly done: boolean;
}

export interface Ailment {
  readonly name: string;
  arrange(platform: Platform): void | Promise<void>;
  readonly state: AdapterHealth["state"];
  /** What the detail has to say. */
  readonly detail: RegExp;
  /** Without it the ailment can't be cured while the adapter runs. */
  cure?(platform: Platform): void | Promise<void>;
}

function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

export function describeChannel(name: string, harness: ChannelHarness): void {
  describe(`channel: ${name}`, () => {
    let platform: Platform;
    let core: Core;
    let adapters: ChannelAdapter[];

    beforeEach(async () => {
      platform = await harness.start();
      core = new Core();
      adapters = [];
    });

    afterEach(async () => {
      await Promise.all(adapters.map((adapter) => adapter.close()));
      await platform.stop();
    });

    const start = async (intake = core): Promise<ChannelAdapter> => {
      const adapter = platform.open();
      adapters.push(adapter);
      await adapter.start(intake);
      return adapter;
    };
    const close = async (adapter: ChannelAdapter): Promise<void> => {
      adapters = adapters.filter((other) => other !== adapter);
      await adapter.close();
    };
    const arrived = (...texts: string[]) =>
      eventually(
        () => texts.every((text) => core.texts().includes(text)),
        () => `${texts.join(", ")} arrive; ${core.texts().join(", ")} did`,
      );
    const options = () => ({ key: `key-${Math.random()}`, signal: new AbortController().signal });
    const final = () => ({ urgency: "final" as const, signal: new AbortController().signal });
    const textsIn = async (channel: ChannelId) => (await platform.shown(channel)).map(({ text }) => text);
    /** A conversation in which the person has spoken. */
    const conversation = async (): Promise<ChannelId> => {
      const { channel } = await platform.say(0, "hello");
      await arrived("hello");
      return channel;
    };

    describe("receiving", () => {
      test("says who wrote what, where", async () => {
        const adapter = await start();
        const said = await platform.say(0, "hello **there** 😀");
        await arrived("hello **there** 😀");
        const [event] = core.taken;
        expect(event).toMatchObject({ ...said, addressed: true, direct: true });
        expect(adapterOf(said.channel)).toBe(adapter.name);
        expect(event?.sender.id.startsWith(`${adapter.name}:`)).toBe(true);
        expect(event?.sender.name).not.toBe("");
        expect(Math.abs((event?.sentAt ?? 0) - Date.now())).toBeLessThan(86_400_000 * 365);
      });

      test("keeps the order within a channel, and lets no channel wait for another", async () => {
        const { passed, open } = gate();
        const slow = await platform.say(0, "a0");
        core.decide = (event) => (event.channel === slow.channel ? passed : Promise.resolve());
        await start();
        for (const text of ["a1", "a2", "a3"]) await platform.say(0, text);
        await platform.say(1, "b0");
        await arrived("b0");
        expect(core.texts(slow.channel)).toEqual([]);
        open();
        await arrived("a0", "a1", "a2", "a3");
        expect(core.texts(slow.channel)).toEqual(["a0", "a1", "a2", "a3"]);
      });

      test("gets again, after a crash, what was not taken", async () => {
        core.decide = () => new Promise(() => {});
        const crashed = await start();
        await platform.say(0, "one");
        await platform.say(0, "two");
        await eventually(() => core.offered.length > 0, "the first is offered");
        await close(crashed);

        core.decide = async () => {};
        await start();
        await arrived("one", "two");
        expect(core.texts()).toEqual(["one", "two"]);
      });

      test("offers again what core could not take, in order, and says so until it could", async () => {
        let away = true;
        core.decide = async () => {
          if (away) throw new Error("the disk is full");
        };
        const adapter = await start();
        for (const text of ["one", "two", "three"]) await platform.say(0, text);
        await eventually(() => core.offered.length >= 2, "it is offered again");
        expect(core.offered.every(({ text }) => text === "one")).toBe(true);
        expect(adapter.health()).toMatchObject({
          state: "degraded",
          detail: expect.stringContaining("the disk is full"),
        });
        away = false;
        await arrived("one", "two", "three");
        expect(core.texts()).toEqual(["one", "two", "three"]);
        await eventually(() => adapter.health().state === "connected", "it is well again");
      });

      test.for(harness.oddInput.map((odd) => [odd.name, odd] as const))("passes over %s", async ([, odd]) => {
        await start();
        await odd.put(platform);
        await platform.say(0, "next");
        await arrived("next");
        expect(core.texts().filter((text) => text === "next")).toHaveLength(1);
      });

      test("stop waits for what core has in hand, and hands over nothing more", async () => {
        const { passed, open } = gate();
        core.decide = () => passed;
        const adapter = await start();
        await platform.say(0, "in hand");
        await eventually(() => core.offered.length === 1, "it is offered");
        let stopped = false;
        const stopping = adapter.stop().then(() => {
          stopped = true;
        });
        await platform.say(0, "too late");
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(stopped).toBe(false);
        open();
        await stopping;
        expect(core.texts()).toEqual(["in hand"]);
        expect(adapter.health().state).toBe("stopped");

        await close(adapter);
        await start();
        await arrived("too late");
        expect(core.texts()).toEqual(["in hand", "too late"]);
      });

      test("stops at once where nothing is in hand, also when asked twice, or before it ever started", async () => {
        const adapter = await start();
        await eventually(() => adapter.health().state === "connected", "it receives");
        await Promise.all([adapter.stop(), adapter.stop()]);
        const idle = platform.open();
        await idle.stop();
        await idle.close();
        expect(core.offered).toEqual([]);
      });
    });

    describe("sending", () => {
      test("shows what it was given, in order, each with a handle of its own", async () => {
        const adapter = await start();
        const channel = await conversation();
        const refs: MessageRef[] = [];
        for (const text of ["one", "two", "three"]) refs.push(await adapter.send(channel, text, options()));
        expect(await platform.shown(channel)).toEqual(
          ["one", "two", "three"].map((text, index) => ({ ref: refs[index], text })),
        );
        expect(new Set(refs).size).toBe(3);
      });

      test("takes one key in two channels for two things", async () => {
        const adapter = await start();
        const { channel: one } = await platform.say(0, "hello");
        const { channel: other } = await platform.say(1, "hello, too");
        await arrived("hello", "hello, too");
        const same = options();
        await adapter.send(one, "here", same);
        await adapter.send(other, "there", same);
        expect([await textsIn(one), await textsIn(other)]).toEqual([["here"], ["there"]]);
      });

      test("still sends after stop", async () => {
        const adapter = await start();
        const channel = await conversation();
        await adapter.stop();
        await adapter.send(channel, "the last word", options());
        expect(await textsIn(channel)).toEqual(["the last word"]);
      });

      test("sends nothing once it is given up", async () => {
        const adapter = await start();
        const channel = await conversation();
        const sending = adapter.send(channel, "never", { ...options(), signal: AbortSignal.abort() });
        await expect(sending).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
        expect(await textsIn(channel)).toEqual([]);
      });

      test("sends nothing that it is not permitted to at the last moment", async () => {
        const adapter = await start();
        const channel = await conversation();
        const sending = adapter.send(channel, "stale", { ...options(), permit: () => false });
        await expect(sending).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
        expect(await textsIn(channel)).toEqual([]);
        const ref = await adapter.send(channel, "mine", { ...options(), permit: () => true });
        if (!canEdit(adapter)) return;
        const { signal } = options();
        const final = { urgency: "final", signal, permit: () => false } as const;
        await expect(adapter.edit(channel, ref, "stale", final)).rejects.toMatchObject({ kind: "unavailable" });
        await adapter.edit(channel, ref, "stale", { ...final, urgency: "preview" }).catch((error: unknown) => {
          expect(error).toMatchObject({ kind: "unavailable" });
        });
        expect(await textsIn(channel)).toEqual(["mine"]);
      });

      test("refuses a channel that it can't have made", async () => {
        const adapter = await start();
        const sending = adapter.send(`${adapter.name}:no such thing`, "hello", options());
        await expect(sending).rejects.toMatchObject({ name: "DeliveryError", kind: "refused" });
      });

      test("splits a long text into parts that it can send, and loses nothing", async () => {
        const adapter = await start();
        const channel = await conversation();
        const words = Array.from({ length: 1200 }, (_, index) => `w${index}${index % 40 === 39 ? ".\n\n" : ""}`);
        const text = words.join(" ");
        const parts = adapter.split(text);
        expect(parts.length).toBeGreaterThan(text.length > adapter.limits.maxTextLength ? 1 : 0);
        for (const part of parts) {
          expect(part.trim()).not.toBe("");
          await adapter.send(channel, part, options());
        }
        const shown = await textsIn(channel);
        for (const part of shown) expect(part.length).toBeLessThanOrEqual(adapter.limits.maxTextLength);
        expect(shown.join(" ").split(/\s+/)).toEqual(text.split(/\s+/).filter((word) => word !== ""));
      });

      test("makes no parts of nothing", async () => {
        const adapter = platform.open();
        adapters.push(adapter);
        expect(adapter.split("")).toEqual([]);
        expect(adapter.split(" \n\n ")).toEqual([]);
        expect(adapter.split("short")).toEqual(["short"]);
      });

      test.for(harness.faults.map((fault) => [fault.name, fault] as const))("%s", async ([, fault], context) => {
        const adapter = await start();
        const channel = await conversation();
        let ref: MessageRef | undefined;
        if (fault.to === "edit") {
          if (!canEdit(adapter)) return context.skip(harness.without?.edit);
          ref = await adapter.send(channel, "before", options());
        }
        await fault.arrange(platform, channel);
        const attempt = () =>
          ref !== undefined && canEdit(adapter)
            ? adapter.edit(channel, ref, "after", final())
            : adapter.send(channel, "after", options());
        const failure = await Promise.resolve(attempt()).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failure).toBeInstanceOf(DeliveryError);
        expect(failure).toMatchObject({ kind: fault.kind, message: expect.stringMatching(/.{10}/) });
        if (fault.kind === "limited") {
          expect(failure).toMatchObject({ retryAfter: expect.any(Number) });
        }
        expect((await textsIn(channel)).includes("after")).toBe(fault.done);
        // Whatever befell one delivery, the account goes on.
        await platform.say(1, "still there?");
        await arrived("still there?");
      });
    });

    describe("editing", () => {
      test("changes the message, and takes an equal edit for success", async (context) => {
        const adapter = await start();
        if (!canEdit(adapter)) return context.skip(harness.without?.edit);
        const channel = await conversation();
        const ref = await adapter.send(channel, "before", options());
        await adapter.edit(channel, ref, "after", final());
        await adapter.edit(channel, ref, "after", final());
        expect(await platform.shown(channel)).toEqual([{ ref, text: "after" }]);
      });

      test("may skip previews, and never shows one after the final text", async (context) => {
        const adapter = await start();
        if (!canEdit(adapter)) return context.skip(harness.without?.edit);
        const channel = await conversation();
        const ref = await adapter.send(channel, "growing", options());
        const { signal } = new AbortController();
        const previews = Array.from({ length: 20 }, (_, index) =>
          adapter.edit(channel, ref, `growing ${index}`, { urgency: "preview", signal }),
        );
        await adapter.edit(channel, ref, "grown", final());
        await Promise.all(previews);
        expect(await platform.shown(channel)).toEqual([{ ref, text: "grown" }]);
      });

      test("a message that never was is gone", async (context) => {
        const adapter = await start();
        if (!canEdit(adapter)) return context.skip(harness.without?.edit);
        const channel = await conversation();
        for (const ref of ["999999999", "not a handle"]) {
          await expect(adapter.edit(channel, ref, "text", final())).rejects.toMatchObject({ kind: "gone" });
        }
      });
    });

    test("shows that it is at work", async (context) => {
      const adapter = await start();
      if (!canType(adapter)) return context.skip(harness.without?.typing);
      const channel = await conversation();
      await adapter.typing(channel, new AbortController().signal);
      expect(adapter.typingLasts).toBeGreaterThan(0);
    });

    test("announces commands, as often as it is asked", async (context) => {
      const adapter = await start();
      if (!canAnnounce(adapter)) return context.skip(harness.without?.announce);
      const commands = [{ name: "help", summary: "Says what there is" }];
      await adapter.announce(commands);
      await adapter.announce(commands);
    });

    describe("health", () => {
      test("starting, connected, stopped", async () => {
        const adapter = platform.open();
        adapters.push(adapter);
        expect(adapter.health().state).toBe("starting");
        await adapter.start(core);
        await eventually(() => adapter.health().state === "connected", "it is connected");
        await adapter.stop();
        expect(adapter.health().state).toBe("stopped");
      });

      test.for(harness.ailments.map((ailment) => [ailment.name, ailment] as const))("%s", async ([, ailment]) => {
        await ailment.arrange(platform);
        const adapter = await start();
        await eventually(
          () => adapter.health().state === ailment.state && ailment.detail.test(adapter.health().detail ?? ""),
          () => `${ailment.state}, ${ailment.detail}; it is ${JSON.stringify(adapter.health())}`,
        );
        if (ailment.cure === undefined) return;
        await ailment.cure(platform);
        await eventually(() => adapter.health().state === "connected", "it recovers");
        await platform.say(0, "hello");
        await arrived("hello");
      });
    });
  });
  describeActions(name, harness);
  if (harness.files !== undefined) describeFiles(name, harness, harness.files);
}
