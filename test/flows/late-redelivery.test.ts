/** Platforms deliver again what was acknowledged, ten minutes later and to another process: it is known, and not answered. */
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { defineAgent } from "../../src/agents/handler.ts";
import { parseConfig } from "../../src/config.ts";
import { Gateway } from "../../src/core/gateway.ts";
import type { GatewayEvent } from "../../src/events.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { Entrance } from "../adapters/slack-stage.ts";
import { createAccount } from "../support/accounts.ts";
import { TestClock } from "../support/clock.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { type Place, type PlatformName, startPlatform } from "./platforms.ts";

const MINUTES = 10;
/** A short while in the world of the test, in milliseconds. */
const MOMENT = 20;
const PATIENCE = 40_000;

test.for<PlatformName>(["telegram", "slack", "slack over HTTP", "discord"])(
  "%s: what comes again after ten minutes is not answered again",
  { timeout: 120_000 },
  async (name) => {
    const clock = new TestClock();
    const platform = await startPlatform(name, { clock });
    onTestFinished(() => platform.stop());
    const entrance = new Entrance();
    platform.reach((await entrance.listen()).replace(/\/slack$/, ""));
    onTestFinished(() => entrance.close());
    const events: GatewayEvent[] = [];
    const folder = temporaryFolder();
    const passTime = async (until: () => boolean, what: string): Promise<void> => {
      const late = Date.now() + PATIENCE;
      while (!until()) {
        if (Date.now() > late) throw new Error(`never came true: ${what}`);
        clock.advance(MOMENT);
        await pause(2);
      }
    };
    /** Again and again: a connection may just be under way, and hear nothing. */
    const repeatUntil = async (until: () => boolean, what: string): Promise<void> => {
      let next = clock.now();
      await passTime(() => {
        if (clock.now() >= next) {
          platform.repeat();
          next += 2_000;
        }
        return until();
      }, what);
    };
    const taken = (status: string) => events.filter((event) => event.type === "taken" && event.status === status);

    /** One process after the other, on what the one before it has stored. */
    const inGateway = async (work: () => Promise<void>): Promise<void> => {
      const store = await openLmdbStore({ path: folder, clock, dedupeFor: 86_400_000 });
      const adapters = Object.entries(parseConfig(`adapters: { ${platform.config} }`, {}).adapters).map(
        ([account, entry]) => {
          if (entry.type === "web") throw new Error("no account on a platform");
          return createAccount(account, entry, clock);
        },
      );
      const gateway = new Gateway({
        store,
        adapters,
        agents: { echo: defineAgent(async ({ messages }) => `answer to ${messages[0]?.text}`) },
        access: { default: "allow", allow: [], admins: [] },
        clock,
        grace: 0,
        emit: (event) => events.push(event),
      });
      await gateway.start();
      if (name === "slack over HTTP") Object.assign(entrance, { adapter: adapters[0] });
      try {
        await passTime(() => platform.heard, "it receives");
        await work();
      } finally {
        entrance.adapter = undefined;
        const stopping = gateway.stop();
        let stopped = false;
        void stopping.then(() => {
          stopped = true;
        });
        await passTime(() => stopped, "it stops");
        await store.close();
      }
    };
    const places = platform.places.slice(0, 3);
    const answers = (n: number) => Array.from({ length: n }, (_, i) => `answer to q${i}`);
    const answered = (n: number) => (place: Place) => place.shown().filter((text) => text !== "…").length >= n;

    await inGateway(async () => {
      for (const place of places) place.say("q0");
      await passTime(() => places.every(answered(1)), "the first are answered");
      for (let minute = 0; minute < MINUTES * 60; minute += 10) {
        clock.advance(10_000);
        await pause(1);
      }
      await repeatUntil(() => taken("duplicate").length >= places.length, "they came again");
    });
    const before = taken("duplicate").length;
    await inGateway(async () => {
      await repeatUntil(() => taken("duplicate").length >= before + places.length, "they came to another process");
      for (const place of places) place.say("q1");
      await passTime(() => places.every(answered(2)), "the next are answered");
    });
    expect(taken("queued")).toHaveLength(2 * places.length);
    for (const place of places) expect(place.shown().filter((text) => text !== "…")).toEqual(answers(2));
  },
);
