/** The agents of the flow tests: how each is configured, what it is told to do, and what it can't. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ModelRequest, type ModelTwin, type Reply, startModelTwin } from "../twins/models/index.ts";
import { newest } from "../twins/models/request.ts";
import type { Launch, Place, Programs } from "./agents-stage.ts";
import { skillIn } from "./programs/skills.ts";

/** A prompt, what is shown when it is under way, and what is shown in the end. */
export interface Task {
  readonly prompt: string;
  readonly begun: RegExp;
  readonly done: RegExp;
}

/** Each is given a word of its own. What they do stands in `programs/skills.ts`. */
export interface Tasks {
  slowly(word: string): Task;
  endlessly(word: string): Task;
  fragile(word: string): Task;
  permission(word: string): Task;
  tool(word: string): Task;
  /** `prompt` tells it the word; `done` is what it answers to `recall`. */
  remember(word: string): Task & { readonly recall: string };
}

export type Ability = "tool" | "permission" | "process" | "effects";

export interface AgentCase {
  readonly name: string;
  /** What can't be shown of it, and why. */
  readonly cannot: Partial<Record<Ability, string>>;
  readonly tasks: Tasks;
  /** The agent's processes between two turns. */
  readonly resting: "none" | "some";
  /** What is said in the channel where its process is killed; absent: nothing, it is only tried again. */
  readonly mourned?: RegExp;
  launch(place: Place, programs: Programs): Promise<Launch> | Launch;
  /** Ends what `launch` started. */
  stop?(): Promise<void>;
}

const TASKS: Tasks = {
  slowly: (word) => ({
    prompt: `slowly ${word}`,
    begun: new RegExp(`The first half of ${word},[ .]*$`),
    done: new RegExp(`The first half of ${word}, \\.*the second half\\.$`),
  }),
  endlessly: (word) => ({
    prompt: `endlessly ${word}`,
    begun: new RegExp(`${word} 1 ${word} 2`),
    done: /never/,
  }),
  fragile: (word) => ({
    prompt: `fragile ${word}`,
    begun: new RegExp(`I work on ${word}`),
    done: new RegExp(`${word} is done`),
  }),
  permission: (word) => ({
    prompt: `permission ${word}`,
    begun: new RegExp(`paint[\\s\\S]*${word}`),
    done: new RegExp(`I have painted ${word}\\.`),
  }),
  tool: (word) => ({
    prompt: `tool ${word}`,
    begun: new RegExp(`1 tool .*Looking at ${word}…`),
    done: new RegExp(`^(?!⚙)[\\s\\S]*I have looked at ${word}\\.`),
  }),
  remember: (word) => ({
    prompt: `remember ${word}`,
    begun: /I will remember it/,
    recall: "recall",
    done: new RegExp(`You told me: ${word}\\.`),
  }),
};

const IN_PROCESS = "it runs in the gateway's own process";

const KILLED = /was ended by SIGKILL[\s\S]*It is tried again/;

export const AGENTS: readonly AgentCase[] = [
  {
    name: "demo",
    cannot: { tool: "it uses none", process: IN_PROCESS, effects: "being a demo, it only says so" },
    resting: "none",
    tasks: {
      ...TASKS,
      slowly: () => ({ prompt: "slow 2", begun: /^(?=[\s\S]*This takes 2 s)(?![\s\S]*2 of 2)/, done: /2 of 2/ }),
      endlessly: () => ({ prompt: "slow 600", begun: /1 of 600/, done: /600 of 600/ }),
      fragile: () => ({ prompt: "slow 3", begun: /1 of 3/, done: /3 of 3/ }),
      permission: () => ({ prompt: "permission", begun: /rm -rf build/, done: /allowed it this once/ }),
      remember: () => ({
        ...{ prompt: "hello", begun: /You said/, recall: "count" },
        done: /This session has had 2 messages/,
      }),
    },
    launch: () => ({ config: `${POOL}agents: { demo: { type: demo } }` }),
  },
  {
    name: "handler",
    cannot: { process: IN_PROCESS },
    resting: "none",
    tasks: TASKS,
    launch: ({ apiRoot, token, folder }, programs) => ({
      program: [programs["handler-gateway"], apiRoot, token],
      env: { FOLDER: folder },
    }),
  },
  {
    name: "command (text)",
    cannot: {
      tool: "its output is the answer: there is no way to tell of tools",
      permission: "its input ends with the prompt: there is no way to tell it what people decide",
    },
    resting: "none",
    mourned: KILLED,
    tasks: TASKS,
    launch: ({ env }, programs) => ({
      config: `${POOL}agents: { program: { type: command, command: ${run(programs["text-agent"])}, env: ${env} } }`,
    }),
  },
  {
    name: "command (json-lines)",
    cannot: {},
    resting: "none",
    mourned: KILLED,
    tasks: TASKS,
    launch: ({ env }, programs) => ({
      config: `${POOL}agents:
  program: { type: command, protocol: json-lines, command: ${run(programs["lines-agent"])}, env: ${env} }`,
    }),
  },
  ...(["openai-compatible", "openai", "anthropic"] as const).map(throughModel),
  ...(["session", "shared"] as const).map(
    (processes): AgentCase => ({
      name: `acp (processes: ${processes})`,
      cannot: {},
      resting: "some",
      mourned: KILLED,
      tasks: TASKS,
      launch: ({ env }, programs) => ({
        config: `${POOL}agents:
  coder: { type: acp, command: ${run(programs["acp-agent"])}, env: ${env}, processes: ${processes} }`,
      }),
    }),
  ),
];

/** Sessions are evicted as soon as another one is wanted. */
const POOL = "pool: { maxLive: 1, restoreAtStart: 0 }\n";

function run(program: string): string {
  return JSON.stringify([process.execPath, program]);
}

/** A model that behaves as the programs do, with an MCP server for its tools. */
function throughModel(provider: "openai-compatible" | "openai" | "anthropic"): AgentCase {
  let model: ModelTwin | undefined;
  return {
    name: `llm (${provider})`,
    cannot: { process: `${IN_PROCESS}; a connection to the model that breaks off is shown in crash-policies.test.ts` },
    resting: "some",
    tasks: {
      ...TASKS,
      tool: (word) => ({ ...TASKS.tool(word), begun: /1 tool .*studio_look…/ }),
      permission: (word) => ({ ...TASKS.permission(word), begun: new RegExp(`studio_paint[\\s\\S]*${word}`) }),
    },
    launch: async ({ folder, env }, programs) => {
      model = await startModelTwin();
      const { openai } = model;
      model.on(() => true, replies(folder));
      return {
        config: `${POOL}agents:
  model: { type: llm, provider: ${provider}, baseURL: "${openai}", apiKey: "a-key", model: twin-model }
projects:
  atelier: { folder: ".", mcp: { studio: { command: ${run(programs["mcp-server"])}, env: ${env} } } }
routes: [{ match: "*", agent: model, project: atelier }]`,
      };
    },
    stop: async () => await model?.stop(),
  };
}

function replies(folder: string): (request: ModelRequest) => Reply {
  return (request) => {
    const { user, results } = newest(request);
    const { skill, word } = skillIn(user);
    switch (skill) {
      case "slowly":
        return { text: halves(word, join(folder, `gate-${word}`)), every: 20 };
      case "endlessly":
        return { text: counting(word), every: 10 };
      case "tool":
      case "permission": {
        const [name, done] = skill === "tool" ? ["look", "looked at"] : ["paint", "painted"];
        if (results.length > 0) return { text: [`I have ${done} ${word}.`] };
        return { calls: [{ id: `call_${word}`, name: `studio_${name}`, input: { word } }] };
      }
      case "fragile": {
        const begun = join(folder, `begun-${word}`);
        if (existsSync(begun)) return { text: [`${word} is done.`] };
        writeFileSync(begun, "");
        return { text: unfinished(word), every: 10 };
      }
      case "remember":
        return { text: ["I will remember it."] };
      case "recall": {
        const told = request.said.filter(({ role }) => role === "user").map(({ text }) => skillIn(text));
        const words = told.filter((one) => one.skill === "remember").map((one) => one.word);
        return { text: [`You told me: ${words.join(", ") || "nothing"}.`] };
      }
      default:
        return { text: [`Hello ${word}.`] };
    }
  };
}

function* halves(word: string, gate: string): Generator<string> {
  yield `The first half of ${word}, `;
  while (!existsSync(gate)) yield ".";
  yield "the second half.";
}

function* counting(word: string): Generator<string> {
  for (let count = 1; ; count++) yield `${word} ${count} `;
}

function* unfinished(word: string): Generator<string> {
  yield `I work on ${word}`;
  for (;;) yield ".";
}
