/** What becomes of a turn that was cut short, by its agent's policy: behind the built gateway, with real kills. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startModelTwin } from "../twins/models/index.ts";
import { AgentStage, buildPrograms, type Programs, type Talk } from "./agents-stage.ts";

let programs: { paths: Programs; remove(): Promise<void> };
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

const QUESTION = /The work on this message was cut short/;

/** Who dies in the turn. */
const VICTIMS: Readonly<Record<string, (stage: AgentStage) => Promise<void>>> = {
  gateway: async (stage) => {
    await stage.kill();
    await stage.gateway.start();
  },
  agent: (stage) => stage.killAgents(),
};

describe.each(Object.entries(VICTIMS))("kill -9 of the %s", (_, kill) => {
  for (const type of ["json-lines", "acp"] as const) {
    test(`resume: ${type} goes on where it was`, async () => {
      const stage = await openStage(type, "resume");
      const talk = stage.talk();
      await talk.ask("remember fog", /I will remember it/);
      await talk.ask("fragile vase", /I work on vase/);
      await kill(stage);
      await talk.shows(/vase is done, after an interruption\./);
      await talk.ask("recall", /You told me: fog\./);
      expect(talk.count(/vase is done/)).toBe(1);
    }, 60_000);
  }

  test("ask: people choose, and it does what they chose", async () => {
    const stage = await openStage("json-lines", "ask");
    const cutShort = async (word: string): Promise<Talk> => {
      const talk = stage.talk();
      await talk.ask(`fragile ${word}`, new RegExp(`I work on ${word}`));
      await kill(stage);
      await talk.shows(QUESTION);
      expect(talk.count(new RegExp(`${word} is done`))).toBe(0);
      return talk;
    };

    const first = await cutShort("vase");
    first.press("Go on");
    await first.shows(/vase is done, after an interruption\./);

    const second = await cutShort("bowl");
    second.press("Begin anew");
    await second.shows(/bowl is done\./);

    const third = await cutShort("dish");
    third.press("Drop it");
    await third.ask("hello bob", /Hello bob\./);
    expect(third.count(/dish is done/)).toBe(0);
  }, 90_000);
});

test("a message that kills its agent each time is parked after three attempts, and the queue goes on", async () => {
  const stage = await openStage("json-lines", "retry");
  const talk = stage.talk();
  talk.say("poison apple");
  talk.say("hello bob");
  await talk.shows(/could not be answered after 3 attempts: .*was ended by SIGKILL/);
  await talk.shows(/Hello bob\./);
}, 60_000);

test("a model's answer that breaks off is begun anew, and shown once", async () => {
  const model = await startModelTwin();
  onTestFinished(() => model.stop());
  const stage = await AgentStage.open(() => ({
    config: `agents:
  model: { type: llm, provider: openai-compatible, baseURL: "${model.openai}", model: twin-model }`,
  }));
  onTestFinished(() => stage.close());
  const talk = stage.talk();
  model.fault({ kind: "drop", after: 3 });
  await talk.ask(
    "[[say One, two, three, four, five, six, seven, eight, nine and ten are ten numbers.]]",
    /ten numbers/,
  );
  await talk.ask("[[say Bye.]]", /^Bye\.$/);
  expect(talk.count(/ten numbers/)).toBe(1);
  expect(model.requests).toHaveLength(3);
}, 60_000);

async function openStage(type: "json-lines" | "acp", onCrash: string): Promise<AgentStage> {
  const stage = await AgentStage.open(({ env }) => {
    const [kind, program] =
      type === "acp" ? ["type: acp", "acp-agent"] : ["type: command, protocol: json-lines", "lines-agent"];
    const path = programs.paths[program === "acp-agent" ? "acp-agent" : "lines-agent"];
    return {
      config: `agents: { agent: { ${kind}, command: ["${process.execPath}", "${path}"], env: ${env}, onCrash: ${onCrash} } }`,
    };
  });
  onTestFinished(() => stage.close());
  return stage;
}
