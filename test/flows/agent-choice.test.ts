/** Which agent answers: as people choose it in the channel, or as the environment names it. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startModelTwin } from "../twins/models/index.ts";
import { AgentStage, buildPrograms, type Programs } from "./agents-stage.ts";

let programs: { paths: Programs; remove(): Promise<void> };
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

test("/agent hands the session on: each agent is told what was said before", async () => {
  const model = await startModelTwin();
  onTestFinished(() => model.stop());
  const stage = await AgentStage.open(({ env }) => {
    const command = (program: keyof Programs) => `command: ["${process.execPath}", "${programs.paths[program]}"]`;
    return {
      config: `agents:
  demo: { type: demo }
  coder: { type: acp, ${command("acp-agent")}, env: ${env} }
  model: { type: llm, provider: openai-compatible, baseURL: "${model.openai}", model: twin-model }`,
    };
  });
  onTestFinished(() => stage.close());
  const talk = stage.talk();
  await talk.ask("My cat is called Mimi.", /You said/);

  await talk.ask("/agent model", /From the next message on model answers/);
  await talk.ask("[[recall Mimi]] please", /^Mimi$/);
  await talk.ask("[[say The cow is called Lotte.]]", /^The cow is called Lotte\.$/);

  await talk.ask("/agent coder", /From the next message on coder answers/);
  await talk.ask("heard Lotte", /I was told of Lotte\./);
  const coder = stage.processes();
  expect(coder).toHaveLength(1);

  await talk.ask("/agent demo", /From the next message on demo answers/);
  await talk.ask("The end.", /The end\./);
  await stage.gone(coder);
}, 60_000);

test("without a configured agent, the model that the environment names answers, and the start says so", async () => {
  const model = await startModelTwin({ key: "the-key" });
  onTestFinished(() => model.stop());
  const env = { OPENAI_API_KEY: "the-key", OPENAI_BASE_URL: model.openai, OPENAI_MODEL: "twin-model" };
  const stage = await AgentStage.open(() => ({ env }));
  onTestFinished(() => stage.close());
  const where = new URL(model.openai).host;
  expect(stage.gateway.said.note).toBe(
    `OPENAI_API_KEY is set: twin-model at ${where} answers instead of the demo agent.`,
  );
  const talk = stage.talk();
  await talk.ask("[[say I am a model.]]", /^I am a model\.$/);
  expect(model.last.model).toBe("twin-model");
  expect(stage.gateway.stderr).not.toContain("the-key");
}, 60_000);
