/** Published agents behind the built gateway, through Telegram. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { AgentStage, type Talk } from "../flows/agents-stage.ts";
import { type ModelTwin, startModelTwin } from "../twins/models/index.ts";
import { AGENTS } from "./agents.ts";
import { modelsAsked, replyTo } from "./replies.ts";
import { binOf, NOWHERE } from "./stage.ts";

for (const published of AGENTS) {
  describe(`${published.preset}, behind the gateway`, () => {
    let twin: ModelTwin;
    let stage: AgentStage;
    let work: string;
    beforeAll(async () => {
      twin = await startModelTwin();
      twin.on(() => true, replyTo);
      stage = await AgentStage.open((place) => {
        work = join(place.folder, "work");
        const home = join(place.folder, "agent-home");
        for (const folder of [work, home]) mkdirSync(folder);
        const env = {
          ...parse(place.env),
          ...{ HOME: home, PATH: [binOf(published.preset), process.env.PATH].join(delimiter) },
          ...{ HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, NO_PROXY: "127.0.0.1" },
          ...published.configure(home, twin),
        };
        const coder = { type: "acp", preset: published.preset, cwd: work, env };
        // Sessions are evicted as soon as another one is wanted.
        return { config: stringify({ pool: { maxLive: 1, restoreAtStart: 0 }, agents: { coder } }) };
      });
    });
    afterAll(async () => {
      await stage?.close();
      await twin?.stop();
    });

    const path = (file: string) => join(work, file);
    const written = (file: string) => (existsSync(path(file)) ? readFileSync(path(file), "utf8").trim() : undefined);
    const answers = async (talk: Talk, word: string) =>
      await talk.ask(`[[say still ${word}]]`, RegExp(`still ${word}`));

    test("does what a pressed button allows, and only then", async () => {
      const talk = stage.talk();
      talk.say(published.write(path("fence.txt"), "green"));
      await talk.offers("Allow once");
      expect(written("fence.txt")).toBeUndefined();
      talk.press("Allow once");
      await talk.shows(/The tool said/);
      expect(written("fence.txt")).toBe("green");
    });

    test("does not do what a pressed button rejects", async () => {
      const talk = stage.talk();
      talk.say(published.write(path("gate.txt"), "red"));
      await talk.offers("Reject");
      talk.press("Reject");
      await talk.shows(/Rejected by Ada/);
      await answers(talk, "there");
      expect(written("gate.txt")).toBeUndefined();
    });

    test("after /stop the next message is answered", async () => {
      const talk = stage.talk();
      await talk.ask("[[endless]]", /1 2 3/);
      await talk.ask("/stop", /The running answer was stopped/);
      await answers(talk, "here");
    });

    test("kill -9 of the agent in a turn: the channel is told, and the next attempt goes on", async () => {
      const talk = stage.talk();
      await talk.ask("[[say the dog is called rex-19]]", /rex-19/);
      await talk.ask("[[endless]]", /1 2 3/);
      for (const id of stage.processes()) kill(id);
      await talk.shows(/SIGKILL[\s\S]*tried again/);
      await talk.ask("/stop", /The running answer was stopped/);
      await talk.ask("[[recall (?<=called )rex-\\d+]]", /^rex-19$/);
    });

    test("remembers after an eviction, with nothing said twice", async () => {
      const talk = stage.talk();
      await talk.ask("[[say the cat is called momo-71]]", /momo-71/);
      await answers(stage.talk(), "elsewhere");
      await stage.isEvicted(talk);
      await talk.ask("[[recall momo-\\d+]]", /^momo-71$/);
      expect(talk.count(/the cat is called/)).toBe(1);
    });

    test("kill -9 of the gateway while it asks: nothing is left, and what is allowed then is done", async () => {
      const talk = stage.talk();
      talk.say(published.write(path("door.txt"), "blue"));
      await talk.offers("Allow once");
      await stage.kill();
      expect(stage.processes()).toEqual([]);
      await stage.gateway.start();
      talk.press("Allow once");
      await answers(talk, "alive");
      expect(written("door.txt")).toBe("blue");
    });

    test("/model shows its models, and sets one", async () => {
      const talk = stage.talk();
      const { choice, asked } = published.model;
      await talk.ask("/model", RegExp(choice));
      await talk.ask(`/model ${choice}`, /From the next message on/);
      await answers(talk, "chosen");
      expect(modelsAsked("[[say still chosen]]", twin)).toContainEqual(expect.stringMatching(asked));
    });
  });
}

function kill(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It ended with another one.
  }
}
