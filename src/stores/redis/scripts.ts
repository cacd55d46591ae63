/** The Lua scripts, each one transaction. A line `-- #include <file> …` stands for those files. */
import { readFileSync } from "node:fs";
import { type Cluster, Redis } from "ioredis";

const FOLDER = new URL("./scripts/", import.meta.url);

/** How many keys each script names. It may touch others of the same shard: they share the hash tag. */
const SCRIPTS = {
  accept: 1,
  amend: 1,
  signal: 1,
  refuse: 1,
  acquire: 1,
  release: 1,
  claim: 1,
  end: 1,
  save: 1,
  pending: 1,
  finish: 1,
  settle: 1,
  "ask-open": 1,
  "ask-answer": 1,
  "ask-remind": 1,
  replay: 1,
  discard: 1,
  remove: 1,
  unattended: 1,
  queue: 1,
  receipt: 1,
  current: 1,
  transcript: 2,
  stats: 1,
  count: 1,
  "schedule-put": 1,
  "schedule-remove": 1,
  "schedule-move": 1,
  "journal-put": 3,
  "journal-read": 3,
  beat: 3,
  leave: 4,
  "is-living": 1,
  hold: 2,
  "let-go": 1,
  format: 1,
} as const;

export type ScriptName = keyof typeof SCRIPTS;
export type Client = Redis | Cluster;
type Argument = string | number;

/** What Redis answers: text, numbers, and lists of them. Read it with the functions of `reply.ts`. */
export type Reply = string | number | null | readonly Reply[];

export type Command = (...args: Argument[]) => Promise<Reply>;

/** Runs scripts by their digest; where the server has forgotten one (restart, failover), ioredis sends its text. */
export class Scripts {
  readonly #client: Client;
  readonly #commands = new Map<ScriptName, Command>();

  constructor(client: Client) {
    this.#client = client;
    for (const [name, numberOfKeys] of Object.entries(SCRIPTS)) {
      this.#commands.set(name as ScriptName, defineScript(client, name, numberOfKeys));
    }
  }

  run(name: ScriptName, ...args: Argument[]): Promise<Reply> {
    const command = this.#commands.get(name);
    if (command === undefined) throw new Error(`no script ${name}`);
    this.#gather();
    return command(...args);
  }

  /** The calls of one moment go out in one write: a write for each would be a tenth of all that a message costs. */
  #gather(): void {
    if (!(this.#client instanceof Redis)) return;
    const { stream } = this.#client;
    // There is none before the first connection, and no count without corks.
    if (stream === undefined || stream.writableCorked > 0) return;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }
}

export function defineScript(client: Client, name: string, numberOfKeys: number): Command {
  const command = `switchboard:${name}`;
  client.defineCommand(command, { lua: textOf(`${name}.lua`), numberOfKeys });
  const defined: unknown = Reflect.get(client, command);
  if (typeof defined !== "function") throw new Error(`the script ${name} was not defined`);
  return defined.bind(client);
}

function textOf(file: string): string {
  const text = readFileSync(new URL(file, FOLDER), "utf8");
  return text.replace(/^-- #include (.+)$/m, (_, files: string) =>
    files
      .split(" ")
      .map((included) => readFileSync(new URL(included, FOLDER), "utf8"))
      .join("\n"),
  );
}
