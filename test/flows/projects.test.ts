/** Projects behind the built gateway: their MCP servers and their agents' processes live and end with the sessions in them. */
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startModelTwin } from "../twins/models/index.ts";
import { AgentStage, buildPrograms, type Place, type Programs } from "./agents-stage.ts";

let programs: { paths: Programs; remove(): Promise<void> };
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

test("a project's MCP server is started once for each live session, and ends with it", async () => {
  const model = await startModelTwin();
  onTestFinished(() => model.stop());
  const stage = await openStage((place) => {
    const server = (name: string) => {
      const env = place.env.replace("}", `, PLACE: "${name}" }`);
      return `{ folder: ".", mcp: { studio: { command: ["${process.execPath}", "${programs.paths["mcp-server"]}"], env: ${env} } } }`;
    };
    return `agents: { model: { type: llm, provider: openai-compatible, baseURL: "${model.openai}", model: twin-model } }
projects: { north: ${server("north")}, south: ${server("south")} }
pool: { maxLive: 1, restoreAtStart: 0 }`;
  });
  const talk = stage.talk();
  const paint = async (word: string, place: string) => {
    talk.say(`[[call studio_paint {"word":"${word}"}]]`);
    await talk.offers("Allow once");
    talk.press("Allow once");
    await talk.shows(new RegExp(`The tool said: ${word} was painted in ${place}`));
  };

  await talk.ask("/project north", /A new session begins in the project north/);
  await paint("bell", "north");
  const [north = 0, ...others] = stage.processes();
  expect(others).toEqual([]);
  expect(placeOf(north)).toBe("north");
  await paint("door", "north");
  expect(stage.processes()).toEqual([north]);

  await talk.ask("/project south", /A new session begins in the project south/);
  await stage.gone([north]);
  await paint("roof", "south");
  expect(stage.processes().map(placeOf)).toEqual(["south"]);
  await talk.ask("[[recall bell|door]] please", /^nothing$/);

  const other = stage.talk();
  const before = stage.processes();
  await other.ask("[[say I am another]]", /^I am another$/);
  await stage.gone(before);
  await paint("wall", "south");
  expect(stage.effects).toEqual(["bell", "door", "roof", "wall"]);

  await stage.kill();
  await stage.gateway.start();
  await paint("yard", "south");
}, 120_000);

test("/project stops what is under way, and the next message finds an agent in the other folder", async () => {
  const stage = await openStage(
    ({ env }) => `agents:
  coder: { type: acp, command: ["${process.execPath}", "${programs.paths["acp-agent"]}"], env: ${env} }
projects: { north: { folder: ".." }, south: { folder: "." } }
routes: [{ match: "*", agent: coder, project: north }]`,
  );
  const talk = stage.talk();
  await talk.ask("endlessly river", /river 1 river 2/);
  const [north = 0] = stage.processes();
  expect(basename(readlinkSync(`/proc/${north}/cwd`))).not.toBe("home");
  await talk.ask("/project south", /A new session begins in the project south\..*The running answer was stopped/);
  await talk.shows(/⏹ Stopped\./);
  const stopped = talk.texts.find((text) => text.includes("river"));
  await stage.gone([north]);
  await talk.ask("hello bob", /^Hello bob\.$/);
  expect(talk.texts.filter((text) => text.includes("river"))).toEqual([stopped]);
  const [south = 0, ...others] = stage.processes();
  expect(others).toEqual([]);
  expect(basename(readlinkSync(`/proc/${south}/cwd`))).toBe("home");
}, 120_000);

async function openStage(configure: (place: Place) => string): Promise<AgentStage> {
  const stage = await AgentStage.open((place) => ({ config: configure(place) }));
  onTestFinished(() => stage.close());
  return stage;
}

function placeOf(id: number): string | undefined {
  return /(?:^|\0)PLACE=([^\0]*)/.exec(readFileSync(`/proc/${id}/environ`, "utf8"))?.[1];
}
