/** What an adapter must do beyond `describeChannel` where only one process at a time may receive for the account. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChannelAdapter, canEdit, canType, type Exclusive, isExclusive } from "../../src/channel.ts";
import { eventually } from "../support/eventually.ts";
import type { ChannelHarness, Platform } from "./channel.ts";
import { Core } from "./core.ts";

export function describeExclusive(name: string, harness: ChannelHarness): void {
  describe(`exclusive channel: ${name}`, () => {
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

    const open = (): ChannelAdapter & Exclusive => {
      const adapter = platform.open();
      adapters.push(adapter);
      if (!isExclusive(adapter)) throw new Error("it is not exclusive");
      return adapter;
    };
    const arrived = (...texts: string[]) =>
      eventually(
        () => texts.every((text) => core.texts().includes(text)),
        () => `${texts.join(", ")} arrive; ${core.texts().join(", ")} did`,
      );

    test("starts again after each stop: what came meanwhile arrives once, in order", async () => {
      const adapter = open();
      const rounds = [0, 1, 2, 3];
      for (const round of rounds) {
        await platform.say(0, `while stopped ${round}`);
        await adapter.start(core);
        await platform.say(0, `while started ${round}`);
        await arrived(`while stopped ${round}`, `while started ${round}`);
        await adapter.stop();
        expect(adapter.health().state).toBe("stopped");
      }
      const said = rounds.flatMap((round) => [`while stopped ${round}`, `while started ${round}`]);
      expect(core.offered.map(({ text }) => text)).toEqual(said);
    });

    test("of calls that overlap the last one counts", async () => {
      const adapter = open();
      await Promise.all([adapter.start(core), adapter.stop(), adapter.start(core)]);
      await platform.say(0, "heard");
      await arrived("heard");
      await Promise.all([adapter.stop(), adapter.start(core), adapter.stop()]);
      await platform.say(0, "heard later");
      expect(adapter.health().state).toBe("stopped");
      expect(core.texts()).toEqual(["heard"]);
      await adapter.start(core);
      await arrived("heard later");
      expect(core.texts()).toEqual(["heard", "heard later"]);
    });

    test("a start waits for what the stop before it still has in hand", async () => {
      let letThrough = () => {};
      const passed = new Promise<void>((resolve) => {
        letThrough = resolve;
      });
      core.decide = () => passed;
      const adapter = open();
      await adapter.start(core);
      await platform.say(0, "in hand");
      await eventually(() => core.offered.length === 1, "it is offered");
      const again = Promise.all([adapter.stop(), adapter.start(core)]);
      await platform.say(0, "behind it");
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(core.offered).toHaveLength(1);
      letThrough();
      await again;
      await arrived("in hand", "behind it");
      expect(core.texts()).toEqual(["in hand", "behind it"]);
    });

    test("passes from one process to the other, to and fro, and no message gets lost", async () => {
      const pair = [open(), open()] as const;
      expect(pair[0].exclusive).toBe(pair[1].exclusive);
      const handOvers = [0, 1, 2, 3, 4, 5];
      for (const n of handOvers) {
        const adapter = pair[n % 2 === 0 ? 0 : 1];
        await adapter.start(core);
        for (const conversation of [0, 1]) await platform.say(conversation, `${conversation}: ${n}`);
        await arrived(`0: ${n}`);
        await adapter.stop();
      }
      await pair[0].start(core);
      for (const conversation of [0, 1]) {
        const said = handOvers.map((n) => `${conversation}: ${n}`);
        await arrived(...said);
        expect(core.texts().filter((text) => text.startsWith(`${conversation}:`))).toEqual(said);
      }
    });

    test("takes over from a process that does not know yet, and recovers where both receive for a while", async () => {
      const [old, next] = [open(), open()];
      await old.start(core);
      await eventually(() => old.health().state === "connected", "the old one receives");
      await next.start(core);
      await platform.say(0, "one");
      await arrived("one");
      await old.stop();
      await platform.say(0, "two");
      await arrived("two");
      await eventually(() => next.health().state === "connected", "the new one receives");
      expect(core.texts()).toEqual(["one", "two"]);
    });

    test("everything but receiving works where another process receives", async () => {
      await open().start(core);
      const { channel } = await platform.say(0, "hello");
      await arrived("hello");
      const adapter = open();
      const { signal } = new AbortController();
      const ref = await adapter.send(channel, "before", { key: "k", signal });
      if (canEdit(adapter)) await adapter.edit(channel, ref, "after", { urgency: "final", signal });
      if (canType(adapter)) await adapter.typing(channel, signal);
      expect(adapter.split("short")).toEqual(["short"]);
      expect((await platform.shown(channel)).map(({ text }) => text)).toEqual([canEdit(adapter) ? "after" : "before"]);
      expect(adapter.health().state).toBe("starting");
      await platform.say(0, "still heard");
      await arrived("still heard");
    });
  });
}
