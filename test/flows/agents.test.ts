/**
 * Every agent behind the built gateway, through Telegram: it streams, uses tools, asks, is stopped, dies and is evicted;
 * and its gateway is killed. Needs Linux: processes are found by their environment.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentStage, buildPrograms, type Programs, type Talk } from "./agents-stage.ts";
import { type Ability, AGENTS } from "./agents-table.ts";

/** Enough for a machine with little to spare: each takes a few seconds. */
const TIMEOUT = 120_000;

let programs: { paths: Programs; remove(): Promise<void> };
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

for (const { name, cannot, resting, mourned, tasks, launch, stop } of AGENTS) {
  // Side by side, because most of the time is the platform's: an edit a second.
  describe.concurrent(name, () => {
    let stage: AgentStage;
    beforeAll(async () => {
      stage = await AgentStage.open((place) => launch(place, programs.paths));
    });
    afterAll(async () => {
      await stage?.close();
      await stop?.();
    });

    /** Unless it can't. */
    const may = (ability: Ability, what: string, check: () => Promise<void>) => {
      const reason = cannot[ability];
      if (reason === undefined) test.sequential(what, check, TIMEOUT);
      else test.sequential.skip(`${what}: ${reason}`);
    };
    const must = (what: string, check: () => Promise<void>) => test.sequential(what, check, TIMEOUT);
    /** What was done to the world is seen in it, where the agent does anything. */
    const expectEffect = (word: string) => {
      if (cannot.effects === undefined) expect(stage.effects.filter((line) => line === word)).toEqual([word]);
    };

    must("shows the answer while it grows", async () => {
      const talk = stage.talk();
      const { prompt, begun, done } = tasks.slowly("rope");
      await talk.ask(prompt, begun);
      expect(talk.count(done)).toBe(0);
      stage.letGo("rope");
      await talk.shows(done);
      expect(talk.texts).toHaveLength(1);
    });

    may("tool", "a line tells which tool runs", async () => {
      const talk = stage.talk();
      await talk.ask("/stream compact", /one line tells/);
      await talk.ask("/mode bypass", /does everything unasked/);
      const { prompt, begun, done } = tasks.tool("anvil");
      await talk.ask(prompt, begun);
      stage.letGo("anvil");
      await talk.shows(done);
      expect(talk.texts.at(-1)).not.toContain("⚙");
    });

    may("permission", "carries out what a pressed button allows, and only then", async () => {
      const talk = stage.talk();
      const { prompt, begun, done } = tasks.permission("fence");
      await talk.ask(prompt, begun);
      await talk.offers("Allow once");
      expect(talk.count(done)).toBe(0);
      expect(stage.effects).not.toContain("fence");
      talk.press("Allow once");
      await talk.shows(done);
      await talk.shows(/✅ Approved by Ada/);
      expectEffect("fence");
    });

    must("after /stop nothing more of the answer appears, and the next message is answered", async () => {
      const talk = stage.talk();
      const { prompt, begun } = tasks.endlessly("river");
      await talk.ask(prompt, begun);
      await talk.ask("/stop", /The running answer was stopped/);
      await talk.shows(/⏹ Stopped\./);
      const [answer] = talk.texts;
      await talk.ask("hello bob", /bob/);
      // The answer as it was, what `/stop` did, and the answer to the next message.
      expect(talk.texts).toHaveLength(3);
      expect(talk.texts[0]).toBe(answer);
      if (resting === "none") await stage.gone(stage.processes());
    });

    may("process", "kill -9 of the agent in a turn: the next attempt answers, once", async () => {
      const talk = stage.talk();
      const { prompt, begun, done } = tasks.fragile("glass");
      await talk.ask(prompt, begun);
      expect(stage.processes()).not.toEqual([]);
      await stage.killAgents();
      await talk.shows(done);
      await expectUsable(talk);
      expect(talk.count(done)).toBe(1);
      expect(talk.count(/⚠/)).toBe(mourned === undefined ? 0 : 1);
      if (mourned !== undefined) await talk.shows(mourned);
    });

    must("remembers, after its session was evicted, what it was told", async () => {
      const talk = stage.talk();
      const { prompt, begun, recall, done } = tasks.remember("lighthouse");
      await talk.ask(prompt, begun);
      await stage.talk().ask("hello bob", /bob/);
      await stage.isEvicted(talk);
      await talk.ask(recall, done);
    });

    must("kill -9 of the gateway in a turn: it is answered once afterwards", async () => {
      const talk = stage.talk();
      const { prompt, begun, done } = tasks.fragile("vase");
      await talk.ask(prompt, begun);
      await stage.kill();
      await stage.gateway.start();
      await talk.shows(done);
      await expectUsable(talk);
      expect(talk.count(done)).toBe(1);
    });

    may("permission", "kill -9 of the gateway while it asks: what is allowed then is carried out once", async () => {
      const talk = stage.talk();
      const { prompt, done } = tasks.permission("gate");
      talk.say(prompt);
      await talk.offers("Allow once");
      await stage.kill();
      await stage.gateway.start();
      expect(talk.count(done)).toBe(0);
      talk.press("Allow once");
      await talk.shows(done);
      await expectUsable(talk);
      expect(talk.count(done)).toBe(1);
      expect(talk.count(/✅ Approved by Ada/)).toBe(1);
      expectEffect("gate");
    });
  });
}

async function expectUsable(talk: Talk): Promise<void> {
  await talk.ask("hello carol", /carol/);
}
