/** What people can do below the bot's messages, and replies to and fro: the part of `describeChannel` about them. */
import { afterEach, beforeEach, describe, expect, type TestContext, test } from "vitest";
import { type Action, type ChannelAdapter, canEdit } from "../../src/channel.ts";
import type { ChannelId, MessageRef } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import type { ChannelHarness, Platform } from "./channel.ts";
import { Core } from "./core.ts";

/** A person's view of actions. */
export interface PlatformActions {
  /** What can be done below this message of the bot now, in order. */
  shown(channel: ChannelId, ref: MessageRef): Promise<readonly ShownAction[]>;
  /**
   * The person of this conversation uses the action that is shown with this label: `value` is the value of what they
   * choose in a select, or what they write into a form and send off. Resolves with what that person alone is told,
   * without its formatting; undefined where the platform ends it in silence. Rejects where nothing is shown by that name.
   */
  press(channel: ChannelId, ref: MessageRef, label: string, value?: string): Promise<string | undefined>;
}

export interface ShownAction {
  readonly label: string;
  /** The labels of a select's choices. */
  readonly choices?: readonly string[];
}

/** Must neither throw nor end anything; what of it reaches the intake is for core to judge. */
export interface OddPress {
  readonly name: string;
  /** `ref` is a message with the button "Approve". */
  put(platform: Platform, channel: ChannelId, ref: MessageRef): void | Promise<void>;
}

const APPROVE: Action = { kind: "button", label: "Approve", data: "approve", style: "primary" };
const REJECT: Action = { kind: "button", label: "Reject", data: "reject", style: "danger" };
const LATER: Action = { kind: "button", label: "Later", data: "later" };

/** Of the greatest length that the port allows, each another one. */
const dataOf = (index: number) => `ask_0123456789:q0.${index}:`.padEnd(64, "Az09-_");

export function describeActions(name: string, harness: ChannelHarness): void {
  describe(`actions of a channel: ${name}`, () => {
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

    const start = async (): Promise<ChannelAdapter> => {
      const adapter = platform.open();
      adapters.push(adapter);
      await adapter.start(core);
      return adapter;
    };
    const arrived = (text: string) => eventually(() => core.texts().includes(text), `${text} arrives`);
    const options = () => ({ key: `key-${Math.random()}`, signal: new AbortController().signal });
    const final = () => ({ urgency: "final" as const, signal: new AbortController().signal });
    const textsIn = async (channel: ChannelId) => (await platform.shown(channel)).map(({ text }) => text);

    /** A conversation in which a person has spoken, with an adapter that has replies, and maybe actions. */
    const talk = async () => {
      const adapter = await start();
      const { channel } = await platform.say(0, "hello");
      await arrived("hello");
      return { adapter, channel };
    };
    const withActions = async (context: TestContext) => {
      const talking = await talk();
      const limits = talking.adapter.limits.actions;
      if (limits === undefined) return context.skip("its messages have no actions");
      const { actions } = platform;
      if (actions === undefined) throw new Error("the harness can't show the actions that the adapter declares");
      const labels = async (ref: MessageRef) => {
        return (await actions.shown(talking.channel, ref)).map(({ label }) => label);
      };
      return { ...talking, limits, actions, labels };
    };

    test("stand below the message in order, by their labels", async (context) => {
      const { adapter, channel, labels } = await withActions(context);
      const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [APPROVE, REJECT, LATER] });
      const bare = await adapter.send(channel, "I did.", options());
      expect(await labels(ref)).toEqual(["Approve", "Reject", "Later"]);
      expect(await labels(bare)).toEqual([]);
      expect(await textsIn(channel)).toEqual(["Shall I?", "I did."]);
    });

    test.for([true, false])(
      "say who did what, and what comes of it to that person alone (ok: %s)",
      async (ok, context) => {
        const { adapter, channel, actions } = await withActions(context);
        core.decidePress = async () => ({ ok, text: "That is **yours**, `Ada`." });
        const asked: Action = { kind: "button", label: "Approve", data: dataOf(1) };
        const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [REJECT, asked] });
        expect(await actions.press(channel, ref, "Approve")).toBe("That is yours, Ada.");
        const [said] = core.taken;
        expect(core.offeredPresses).toEqual([{ channel, sender: said?.sender, data: dataOf(1) }]);
        expect(await textsIn(channel)).toEqual(["Shall I?"]);
      },
    );

    test("work below messages of an earlier process", async (context) => {
      const { adapter, channel, actions } = await withActions(context);
      const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [APPROVE] });
      await adapter.stop();
      await start();
      expect(await actions.press(channel, ref, "Approve")).toBe("done: approve");
    });

    test.for<[string, string]>([
      ["long", `What ${"a very long choice this is, ".repeat(12)}`],
      ["long and of surrogate pairs", "😀".repeat(200)],
      ["blank", " \n "],
      ["of several lines", "one\ntwo\r\n\tthree"],
      ["full of signs", "a & b <b> *c* _d_ `e` [f](https://g.h) @everyone"],
    ])("have a label that is %s", async ([, label], context) => {
      const { adapter, channel, actions } = await withActions(context);
      const odd: Action = { kind: "button", label, data: dataOf(2) };
      const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [odd, LATER] });
      const [shown, next] = await actions.shown(channel, ref);
      expect(next?.label).toBe("Later");
      const visible = shown?.label ?? "";
      expect(visible.trim()).not.toBe("");
      expect(visible.isWellFormed()).toBe(true);
      const words = (text: string) => text.split(/\s+/).filter((word) => word !== "");
      if (visible.endsWith("…")) expect(label.trim().startsWith(visible.slice(0, -1).trim())).toBe(true);
      else expect(words(visible)).toEqual(words(label));
      await actions.press(channel, ref, visible);
      expect(core.pressed).toMatchObject([{ data: dataOf(2) }]);
    });

    test("are replaced, and taken away, by an edit", async (context) => {
      const { adapter, channel, actions, labels } = await withActions(context);
      if (!canEdit(adapter)) return context.skip(harness.without?.edit);
      const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [APPROVE, REJECT] });
      await adapter.edit(channel, ref, "Shall I?", { ...final(), actions: [LATER] });
      expect(await labels(ref)).toEqual(["Later"]);
      expect(await actions.press(channel, ref, "Later")).toBe("done: later");
      await adapter.edit(channel, ref, "Shall I?", { ...final(), actions: [LATER] });
      await adapter.edit(channel, ref, "Or now?", { ...final(), actions: [LATER] });
      expect(await labels(ref)).toEqual(["Later"]);
      await adapter.edit(channel, ref, "Or now?", final());
      expect(await labels(ref)).toEqual([]);
      await adapter.edit(channel, ref, "Or now?", { ...final(), actions: [APPROVE] });
      expect(await labels(ref)).toEqual(["Approve"]);
      await adapter.edit(channel, ref, "It is done.", { ...final(), actions: [] });
      expect(await labels(ref)).toEqual([]);
      expect(await platform.shown(channel)).toEqual([{ ref, text: "It is done." }]);
    });

    test("leave the text as it is without them", async (context) => {
      const { adapter, channel, labels } = await withActions(context);
      const text =
        "**May it do this?**\n\n- run `rm -rf build`\n- *then* [look](https://example.org)\n\n```sh\nls -l\n```";
      await adapter.send(channel, text, options());
      const ref = await adapter.send(channel, text, { ...options(), actions: [APPROVE] });
      const [plain, acted] = await textsIn(channel);
      expect(plain).toContain("rm -rf build");
      expect(acted).toBe(plain);
      if (!canEdit(adapter)) return;
      await adapter.edit(channel, ref, `${text}\n\n**Approved.**`, final());
      expect((await textsIn(channel))[1]).toContain("Approved.");
      expect(await labels(ref)).toEqual([]);
    });

    test("are not lost in silence while they can't be taken", async (context) => {
      const { adapter, channel, actions } = await withActions(context);
      let away = true;
      core.decidePress = async () => {
        if (away) throw new Error("the store is away");
        return { ok: true, text: "Taken." };
      };
      const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [APPROVE] });
      const pressing = actions.press(channel, ref, "Approve");
      await eventually(() => core.offeredPresses.length > 0, "it is offered");
      away = false;
      const told = await pressing;
      if (told !== "Taken.") {
        expect(told).toMatch(/again/i);
        expect(core.pressed).toEqual([]);
        expect(await actions.press(channel, ref, "Approve")).toBe("Taken.");
      }
      expect(core.pressed).toMatchObject([{ data: "approve" }]);
      await eventually(() => adapter.health().state === "connected", "it is well");
    });

    test.for((harness.oddPresses ?? []).map((odd) => [odd.name, odd] as const))(
      "stand %s",
      async ([, odd], context) => {
        const { adapter, channel, actions } = await withActions(context);
        const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [APPROVE] });
        await odd.put(platform, channel, ref);
        const next = await adapter.send(channel, "And this?", { ...options(), actions: [LATER] });
        expect(await actions.press(channel, next, "Later")).toBe("done: later");
        await platform.say(0, "next");
        await arrived("next");
        await eventually(() => adapter.health().state === "connected", "it is well");
      },
    );

    test("reach core each for itself where two come at once", async (context) => {
      const { adapter, channel, actions } = await withActions(context);
      const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [APPROVE, REJECT] });
      const told = await Promise.all([
        actions.press(channel, ref, "Approve"),
        actions.press(channel, ref, "Reject"),
        actions.press(channel, ref, "Approve"),
      ]);
      expect(told).toEqual(["done: approve", "done: reject", "done: approve"]);
      expect(core.pressed.map(({ data }) => data).sort()).toEqual(["approve", "approve", "reject"]);
    });

    test("are as many as declared, below the longest text", async (context) => {
      const { adapter, channel, limits, actions } = await withActions(context);
      const buttons = Array.from({ length: limits.most }, (_, index): Action => {
        return { kind: "button", label: `Choice ${index}, ${"on and on ".repeat(20)}`, data: dataOf(index) };
      });
      const [text = ""] = adapter.split("word ".repeat(adapter.limits.maxTextLength));
      const ref = await adapter.send(channel, text, { ...options(), actions: buttons });
      const shown = await actions.shown(channel, ref);
      expect(shown.map(({ label }) => label.split(",")[0])).toEqual(buttons.map((_, index) => `Choice ${index}`));
      await actions.press(channel, ref, shown.at(-1)?.label ?? "");
      expect(core.pressed).toMatchObject([{ data: dataOf(limits.most - 1) }]);
    });

    test("let one of several be chosen", async (context) => {
      const { adapter, channel, limits, actions } = await withActions(context);
      if (limits.select === 0) return context.skip("it has no selects");
      const choices = Array.from({ length: limits.select }, (_, index) => ({
        label: index === 0 ? `Choice ${index} ${"on and on ".repeat(40)}` : `Choice ${index}`,
        value: dataOf(index),
      }));
      const select: Action = { kind: "select", label: "Choose…", data: dataOf(99), choices };
      const ref = await adapter.send(channel, "Which?", { ...options(), actions: [select, LATER] });
      const [shown, next] = await actions.shown(channel, ref);
      expect(next?.label).toBe("Later");
      expect(shown?.choices?.map((label) => /^Choice \d+/.exec(label)?.[0])).toEqual(
        choices.map((_, index) => `Choice ${index}`),
      );
      const { value = "" } = choices.at(-1) ?? {};
      expect(await actions.press(channel, ref, "Choose…", value)).toBe(`done: ${dataOf(99)}`);
      expect(core.pressed).toMatchObject([{ channel, data: dataOf(99), value }]);
    });

    test("let a text be written", async (context) => {
      const { adapter, channel, limits, actions } = await withActions(context);
      if (!limits.form) return context.skip("it has no forms");
      const prompt = `Why not? ${"The agent will be told. ".repeat(20)}`;
      const form: Action = { kind: "form", label: "Reject with reason", data: dataOf(1), prompt };
      const ref = await adapter.send(channel, "Shall I?", { ...options(), actions: [APPROVE, form] });
      const written = 'it is <b>not</b> "mine" & *late* 😀';
      expect(await actions.press(channel, ref, "Reject with reason", written)).toBe(`done: ${dataOf(1)}`);
      expect(core.pressed).toMatchObject([{ channel, data: dataOf(1), value: written }]);
      expect(await actions.press(channel, ref, "Approve")).toBe("done: approve");
    });

    describe("replies", () => {
      test("of the bot stand as such, and below nothing where that message is gone", async () => {
        const { adapter, channel } = await talk();
        const first = await adapter.send(channel, "The question", options());
        const reply = await adapter.send(channel, "A reminder", { ...options(), replyTo: first });
        for (const replyTo of ["999999999", "not a handle"]) {
          await adapter.send(channel, `reply to ${replyTo}`, { ...options(), replyTo });
        }
        const shown = await platform.shown(channel);
        const texts = shown.map(({ text }) => text);
        expect(texts).toEqual(["The question", "A reminder", "reply to 999999999", "reply to not a handle"]);
        const { replies } = platform;
        if (replies === undefined) return;
        const stands = await Promise.all(shown.map(({ ref }) => replies.repliedTo(channel, ref)));
        expect(stands).toEqual([undefined, first, undefined, undefined]);
        expect(reply).toBe(shown[1]?.ref);
      });

      test("of a person to the bot say to which message", async (context) => {
        const { adapter, channel } = await talk();
        if (platform.replies === undefined) return context.skip("the platform has no replies");
        await adapter.send(channel, "The first question", options());
        const ref = await adapter.send(channel, "The second question", options());
        await adapter.send(channel, "Small talk", options());
        await platform.replies.reply(0, ref, "the answer to the second");
        await arrived("the answer to the second");
        const [hello, answer] = core.taken;
        expect(hello).not.toHaveProperty("answers");
        expect(answer).toMatchObject({ channel: hello?.channel, answers: ref });
      });
    });
  });
}
