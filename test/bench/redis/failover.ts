/**
 * Two built gateways on one Redis; one of them is killed, or stopped in order, while people talk in both. The agent is
 * a program that notes when a turn begins, and whose: what is measured is when work goes on.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Benchmark, type Figures, percentile, show } from "../benchmark.ts";
import { temporaryFolder } from "../folders.ts";
import { CLI, firstUrl } from "../start-up.ts";
import { startBenchRedis } from "./server.ts";

const TOKEN = "a-token-for-the-benchmark";
const CHANNELS = 20;
/** Seconds that a turn lasts which is hit in its middle. */
const LONG = 3;
/** Milliseconds between two looks at the agent's notes: how exact the figures are. */
const LOOK = 4;
const PATIENCE = 30_000;

export const redisFailover: Benchmark = {
  name: "redis-failover",
  title: "Redis: how long a channel stands still, 2 gateways, lease of 3 s",
  rounds: 2,
  variants: {
    "kill -9: until a turn in flight is begun again elsewhere": killed,
    "kill -9: until a message sent right after it is begun": killedIdle,
    "SIGTERM: until a message sent right after it is begun": stopped,
    "nothing happens: until a message is begun": undisturbed,
  },
  report: (results) => [
    ["", "p50 ms", "p99 ms", "channels hit"],
    ...Object.keys(redisFailover.variants).map((variant) => [
      variant,
      ...["p50", "p99", "hit"].map((figure) => show(results.median(variant, figure))),
    ]),
  ],
};

async function killed(): Promise<Figures> {
  return await withStage(async (stage) => {
    await stage.warmUp();
    const sent = await stage.sayInEach(`sleep ${LONG}`);
    const victim = ownerOf(sent);
    const at = stage.end(victim, "SIGKILL");
    const hit = sent.filter(({ by }) => by === victim);
    const again = await Promise.all(hit.map(({ id }) => stage.begun(id, 2)));
    return figuresOf(again.map((begun) => begun.at - at));
  });
}

async function killedIdle(): Promise<Figures> {
  return await withStage(async (stage) => await stage.sayAfter("SIGKILL"));
}

async function stopped(): Promise<Figures> {
  return await withStage(async (stage) => await stage.sayAfter("SIGTERM"));
}

async function undisturbed(): Promise<Figures> {
  return await withStage(async (stage) => await stage.sayAfter(undefined));
}

async function withStage(use: (stage: Stage) => Promise<Figures>): Promise<Figures> {
  const server = await startBenchRedis();
  const stage = new Stage(server.url);
  try {
    await stage.open();
    return await use(stage);
  } finally {
    await stage.close();
    await server.stop();
  }
}

function figuresOf(waits: readonly number[]): Figures {
  return { p50: percentile(waits, 0.5), p99: percentile(waits, 0.99), hit: waits.length };
}

/** A turn's beginning, as the agent noted it. */
interface Begun {
  readonly id: string;
  /** The process that began it. */
  readonly by: number;
  readonly attempt: number;
  readonly at: number;
}

/** The process that has the most of them. */
function ownerOf(turns: readonly Begun[]): number {
  const count = (by: number) => turns.filter((turn) => turn.by === by).length;
  return turns.map(({ by }) => by).sort((a, b) => count(b) - count(a))[0] ?? 0;
}

class Stage {
  readonly #url: string;
  readonly #notes = join(temporaryFolder(), "notes");
  readonly #gateways: { readonly child: ChildProcess; readonly url: string }[] = [];
  #messages = 0;

  constructor(url: string) {
    this.#url = url;
    appendFileSync(this.#notes, "");
  }

  async open(): Promise<void> {
    await Promise.all(["r0", "r1"].map((name) => this.#start(name)));
  }

  async #start(name: string): Promise<void> {
    const config = join(temporaryFolder(), "switchboard.yaml");
    // One write is one line, however many programs write at a time.
    const note = `echo "$id $PPID $SWITCHBOARD_ATTEMPT $(date +%s%3N)" >> ${this.#notes}`;
    const program = `read -r id rest; ${note}; $rest; echo done`;
    writeFileSync(
      config,
      `store: { url: "${this.#url}" }
replica: { name: ${name} }
http: { host: 127.0.0.1, port: 0, token: "${TOKEN}" }
log: { level: silent }
pool: { maxRunning: ${CHANNELS} }
adapters: { web: { type: web } }
agents: { noting: { type: command, command: ["sh", "-c", ${JSON.stringify(program)}] } }
`,
    );
    const child = spawn(process.execPath, [CLI, "--config", config, "start"], { stdio: ["ignore", "pipe", "inherit"] });
    process.once("exit", () => child.kill("SIGKILL"));
    this.#gateways.push({ child, url: await firstUrl(child.stdout) });
  }

  /** Each channel has had a turn in the gateway that it belongs to. */
  async warmUp(): Promise<readonly Begun[]> {
    const begun = await this.sayInEach("true");
    // Both know of each other, and what was taken by the first alone has moved.
    await pause(1_500);
    return begun.length === 0 ? begun : await this.sayInEach("true");
  }

  /** One message in each channel, to one gateway and the other in turn. Resolves when all are begun. */
  async sayInEach(command: string): Promise<readonly Begun[]> {
    const channels = Array.from({ length: CHANNELS }, (_, channel) => channel);
    const ids = await Promise.all(
      channels.map((channel) => this.#say(channel, command, this.#gateways[channel % this.#gateways.length]?.url)),
    );
    return await Promise.all(ids.map((id) => this.begun(id)));
  }

  /** Ends the gateway that has the most channels; then people write in those, through the other one. */
  async sayAfter(signal: NodeJS.Signals | undefined): Promise<Figures> {
    const owners = await this.warmUp();
    await pause(500);
    const victim = ownerOf(owners);
    const other = this.#gateways.find(({ child }) => child.pid !== victim)?.url;
    const hit = owners.flatMap(({ by }, channel) => (by === victim ? [channel] : []));
    if (signal) this.end(victim, signal);
    const waits = await Promise.all(
      hit.map(async (channel) => {
        const said = Date.now();
        return (await this.begun(await this.#say(channel, "true", other))).at - said;
      }),
    );
    return figuresOf(waits);
  }

  /** Gives the time. */
  end(pid: number, signal: NodeJS.Signals): number {
    this.#gateways.find(({ child }) => child.pid === pid)?.child.kill(signal);
    return Date.now();
  }

  /** Resolves when a turn for this message has begun for the `attempt`th time. */
  async begun(id: string, attempt = 1): Promise<Begun> {
    const until = Date.now() + PATIENCE;
    while (Date.now() < until) {
      const found = this.#read().find((turn) => turn.id === id && turn.attempt >= attempt);
      if (found) return found;
      await pause(LOOK);
    }
    throw new Error(`No attempt ${attempt} of ${id} was begun.`);
  }

  async close(): Promise<void> {
    for (const { child } of this.#gateways) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    }
  }

  async #say(channel: number, command: string, url = ""): Promise<string> {
    this.#messages += 1;
    const id = `m${this.#messages}`;
    const response = await fetch(`${url}/channels/c${channel}/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ id, text: `${id} ${command}` }),
    });
    if (response.status !== 202) throw new Error(`A message was not taken: ${await response.text()}`);
    return id;
  }

  #read(): Begun[] {
    return readFileSync(this.#notes, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => {
        const [id = "", by, attempt, at] = line.split(" ");
        return { id, by: Number(by), attempt: Number(attempt), at: Number(at) };
      });
  }
}
