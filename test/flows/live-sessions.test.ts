/**
 * Many live sessions, each with an agent's process of its own: what they cost is printed, and none of the processes is
 * left, as a process or as a zombie, when the gateway has stopped or was killed. 30 of them; 200 with SOAK=1.
 */
import { readdirSync, readFileSync } from "node:fs";
import { freemem } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { AgentStage, buildPrograms, type Programs, type Talk, TOKEN } from "./agents-stage.ts";

const LIGHT = fileURLToPath(new URL("programs/light_agent.py", import.meta.url));
const SESSIONS = process.env.SOAK === undefined ? 30 : 200;
/** How many agents die. */
const DYING = 3;
/** Of the agent on the protocol's SDK, whose processes are those of Node.js. */
const SDK_SESSIONS = process.env.SOAK === undefined ? 5 : 20;
const MIB = 1024 * 1024;
/** Of free memory, for each process. */
const MOST = { light: 30 * MIB, sdk: 200 * MIB };

let programs: { paths: Programs; remove(): Promise<void> };
beforeAll(async () => {
  programs = await buildPrograms();
});
afterAll(() => programs.remove());

test(`${SESSIONS} live sessions: nothing is left after a stop, nor after kill -9 of the gateway`, async () => {
  expect(freemem()).toBeGreaterThan(SESSIONS * MOST.light);
  const stage = await open(["python3", "-I", "-S", LIGHT], "session");
  const talks = Array.from({ length: SESSIONS }, () => stage.talk());
  await startAndReport(stage, talks, `${SESSIONS} sessions, a light process each`);
  const first = stage.processes();
  expect(first).toHaveLength(SESSIONS);
  // Some agents die while nothing is wanted of them: nobody is told, and they are started again when they are needed.
  const dead = first.slice(0, DYING);
  for (const id of dead) process.kill(id, "SIGKILL");
  await eventually(() => dead.every((id) => !exists(id)), "the dead are collected");
  await answerAll(talks, "two");
  const second = stage.processes();
  expect(second).toHaveLength(SESSIONS);
  expect(zombiesOf(stage.gateway.pid)).toEqual([]);
  expect(talks.flatMap(({ texts }) => texts.filter((text) => text.includes("⚠")))).toEqual([]);
  const begun = performance.now();
  expect(await stage.gateway.signal("SIGTERM")).toBe(0);
  console.log(`all ended in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  expect([...first, ...second].filter(exists)).toEqual([]);

  await stage.gateway.start();
  await answerAll(talks, "three");
  expect(stage.processes()).toHaveLength(SESSIONS);
  await stage.kill();
  expect(stage.processes()).toEqual([]);
  await stage.gateway.start();
}, 300_000);

test(`${SDK_SESSIONS} sessions of an agent on Node.js: a process each, or one for all`, async () => {
  expect(freemem()).toBeGreaterThan(SDK_SESSIONS * MOST.sdk);
  for (const processes of ["session", "shared"] as const) {
    const stage = await open([process.execPath, programs.paths["acp-agent"]], processes);
    const talks = Array.from({ length: SDK_SESSIONS }, () => stage.talk());
    await startAndReport(stage, talks, `${SDK_SESSIONS} sessions on Node.js, processes: ${processes}`);
    expect(stage.processes()).toHaveLength(processes === "session" ? SDK_SESSIONS : 1);
    expect(zombiesOf(stage.gateway.pid)).toEqual([]);
  }
}, 300_000);

async function open(command: readonly string[], processes: "session" | "shared"): Promise<AgentStage> {
  const stage = await AgentStage.open(({ env }) => ({
    config: `agents: { agent: { type: acp, command: ${JSON.stringify(command)}, env: ${env}, processes: ${processes} } }
pool: { maxLive: 1000, restoreAtStart: 0 }`,
  }));
  onTestFinished(() => stage.close());
  return stage;
}

/** Both agents repeat the word. */
async function answerAll(talks: readonly Talk[], word: string): Promise<void> {
  for (const talk of talks) talk.say(`hello ${word}`);
  await Promise.all(talks.map((talk) => talk.shows(new RegExp(`${word}\\.?$`))));
}

/** The first one alone, then all the others at once. */
async function startAndReport(stage: AgentStage, talks: readonly Talk[], what: string): Promise<void> {
  const idle = memoryOf(stage.gateway.pid);
  await answerAll(talks.slice(0, 1), "one");
  const [alone] = await firstTexts(stage);
  const begun = performance.now();
  await answerAll(talks.slice(1), "one");
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  // From the start of the process to the first text of the answer.
  const starts = await firstTexts(stage);
  const middle = starts[Math.floor(starts.length / 2)];
  const gateway = memoryOf(stage.gateway.pid);
  const children = stage.processes().map(memoryOf);
  const sum = (part: keyof Memory) => mib(children.reduce((total, memory) => total + memory[part], 0));
  console.log(
    `${what}: the gateway takes ${mib(gateway.resident)} MiB, before them ${mib(idle.resident)}; agents take ` +
      `${sum("resident")} MiB in ${children.length} processes, ${sum("proportional")} with what they share counted once; ` +
      `from start to first text ${alone} ms alone, ${middle} (at most ${starts.at(-1)}) in a burst, which took ${seconds} s`,
  );
}

/** Milliseconds, ascending. */
async function firstTexts({ gateway }: AgentStage): Promise<number[]> {
  type Page = { readonly sessions: { readonly stats: { readonly firstTextMs?: number } }[]; readonly cursor?: string };
  const times: number[] = [];
  let cursor: string | undefined;
  do {
    const url = new URL("/api/v1/sessions", gateway.url);
    url.searchParams.set("limit", "100");
    if (cursor !== undefined) url.searchParams.set("cursor", cursor);
    const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    const page = (await response.json()) as Page;
    times.push(...page.sessions.flatMap(({ stats }) => stats.firstTextMs ?? []));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return times.sort((a, b) => a - b);
}

interface Memory {
  /** Bytes. */
  readonly resident: number;
  /** Bytes; what several processes share is divided among them. */
  readonly proportional: number;
}

function memoryOf(id: number): Memory {
  const rollup = readFileSync(`/proc/${id}/smaps_rollup`, "utf8");
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]) * 1024;
  return { resident: bytes("Rss"), proportional: bytes("Pss") };
}

function mib(bytes: number): number {
  return Math.round(bytes / MIB);
}

/** Also one that has ended and was not collected. */
function exists(id: number): boolean {
  return readdirSync("/proc").includes(String(id));
}

/** Children that have ended and that nobody has asked how. */
function zombiesOf(parent: number): string[] {
  return readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const [state, parentOf] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" && parentOf === String(parent);
    } catch {
      return false; // It has ended meanwhile.
    }
  });
}
