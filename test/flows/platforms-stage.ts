/** People on several platforms, and gateways that are killed while they answer: what the kill flows have in common. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFailed, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { freePort } from "../support/lifetime.ts";
import { GatewayProcess } from "../support/process.ts";
import { startRedis } from "../support/redis.ts";
import { ANSWERING, answerTo, readAnswers, writeAnswer } from "./answers.ts";
import { type Place, type Platform, type PlatformName, startPlatform } from "./platforms.ts";

export interface Ordeal {
  readonly platforms: readonly PlatformName[];
  readonly store: "lmdb" | "redis";
  /** Over all platforms. */
  readonly messages: number;
  readonly kills: number;
}

/** Of a gateway on Redis. */
const REPLICAS = 2;
/** Milliseconds between two messages, on average. */
const EVERY = 100;
const PATIENCE = 120_000;

/** Every message must be answered exactly once, whole, in order and in its place, whatever happens meanwhile. */
export async function survive({ platforms: names, store, messages, kills }: Ordeal): Promise<void> {
  const platforms = await Promise.all(names.map((name, i) => startPlatform(name, { seed: i + 1 })));
  for (const platform of platforms) onTestFinished(() => platform.stop());
  const gateways = await openGateways(platforms, store);
  const people = new People(platforms, gateways.answers, gateways.replicas.length > 1);
  onTestFailed(() => gateways.showLogs());
  await gateways.start();
  await eventually(() => platforms.every(({ heard }) => heard), "every platform is listened to");
  // Where nobody has spoken yet, no platform can tell later that somebody did.
  people.sayAll();
  await people.allAnswered();

  const begun = performance.now();
  for (const platform of platforms) platform.trouble();
  const talk = people.talk(messages);
  const mischief: readonly ((platform: Platform) => void)[] = [
    (platform) => platform.storm(),
    (platform) => platform.cut(),
    (platform) => platform.repeat(),
  ];
  for (let kill = 0; kill < kills; kill++) {
    await pause(300 + Math.random() * 1_200);
    for (const [i, platform] of platforms.entries()) mischief[(kill + i) % mischief.length]?.(platform);
    await pause(Math.random() * 500);
    await gateways.killOne();
  }
  await talk;
  for (const platform of platforms) {
    platform.calm();
    platform.repeat();
  }
  await people.allAnswered();
  const seconds = Math.round((performance.now() - begun) / 1000);
  await gateways.stop();
  people.check();
  console.log(
    `${names.join(" + ")} on ${store}: ${people.said} messages in ${people.places} places, ${kills} times kill -9, ` +
      `all answered once in ${seconds} s; ${people.strays} empty placeholders left`,
  );
}

interface Gateways {
  readonly replicas: readonly GatewayProcess[];
  /** The folder that answers are taken from. */
  readonly answers: string;
  start(): Promise<void>;
  killOne(): Promise<void>;
  stop(): Promise<void>;
  showLogs(): void;
}

async function openGateways(platforms: readonly Platform[], store: Ordeal["store"]): Promise<Gateways> {
  const folder = temporaryFolder();
  const answers = join(folder, "answers");
  mkdirSync(answers);
  const url = store === "redis" ? (await startRedis()).url : "lmdb:./data";
  const ports = await Promise.all(Array.from({ length: store === "redis" ? REPLICAS : 1 }, freePort));
  const replicas = ports.map((port, i) => {
    const home = join(folder, `r${i}`);
    mkdirSync(home);
    return new GatewayProcess(
      home,
      `store: { url: "${url}" }
replica: { name: r${i}, lease: 1s }
adapters:
${platforms.map(({ config }) => `  ${config}`).join("\n")}
agents: { writer: { type: command, command: ["sh", "-c", ${JSON.stringify(ANSWERING)}], env: { ANSWERS: "${answers}" } } }
http: { port: ${port}, token: "a-token-for-these-tests" }
access: { default: allow }
# A message may well be hit by several faults: that must not look like one that kills its agent.
queue: { attempts: 50 }`,
    );
  });
  const reach = () => {
    const up = replicas.filter(({ running }) => running);
    const replica = up[Math.floor(Math.random() * up.length)];
    if (replica !== undefined) for (const platform of platforms) platform.reach(replica.url);
  };
  return {
    replicas,
    answers,
    async start() {
      await Promise.all(replicas.map((replica) => replica.start()));
      reach();
    },
    async killOne() {
      const victim = replicas[Math.floor(Math.random() * replicas.length)];
      await victim?.kill();
      reach();
      // Sometimes long enough for another one to take over what it had.
      await pause(Math.random() * (replicas.length > 1 ? 3_000 : 500));
      await victim?.start();
      reach();
    },
    async stop() {
      const codes = await Promise.all(replicas.map(async (replica) => (await replica.signal("SIGTERM")).code));
      expect(codes).toEqual(replicas.map(() => 0));
    },
    showLogs() {
      for (const { stderr } of replicas) {
        const last = stderr.split("\n").slice(-60);
        console.error(`a gateway wrote at last:\n${last.map((line) => line.slice(0, 300)).join("\n")}`);
      }
    },
  };
}

class People {
  readonly #platforms: readonly Platform[];
  readonly #answers: string;
  readonly #patient: boolean;
  /** The words of the answers that are due in each place. */
  readonly #due: ReadonlyMap<Place, string[]>;
  said = 0;

  constructor(platforms: readonly Platform[], answers: string, patient: boolean) {
    this.#platforms = platforms;
    this.#answers = answers;
    this.#patient = patient;
    this.#due = new Map(platforms.flatMap(({ places }) => places.map((place) => [place, []])));
  }

  get places(): number {
    return this.#due.size;
  }

  sayAll(): void {
    for (const place of this.#due.keys()) this.#say(place);
  }

  /** So many messages, in one place after the other. */
  async talk(messages: number): Promise<void> {
    const places = [...this.#due.keys()];
    for (let n = 0; this.said < messages; n++) {
      const place = places[n % places.length];
      if (place !== undefined && (!this.#patient || place.quiet)) this.#say(place);
      await pause(Math.random() * 2 * EVERY);
    }
  }

  async allAnswered(): Promise<void> {
    const until = Date.now() + PATIENCE;
    const missing = () =>
      [...this.#due].flatMap(([place, due]) => {
        const shown = new Set(readAnswers(place.shown()).words);
        const words = due.filter((word) => !shown.has(word));
        return words.length === 0 ? [] : [`${place.name}: ${words.slice(0, 3).join(", ")} …`];
      });
    while (missing().length > 0) {
      if (Date.now() > until) throw new Error(`not answered: ${missing().join("; ")}`);
      await pause(100);
    }
  }

  /** What people see is what the agent said, and nothing else. */
  check(): void {
    for (const [place, due] of this.#due) {
      const { words, others } = readAnswers(place.shown().filter((text) => text !== PLACEHOLDER));
      expect({ place: place.name, words, others }).toEqual({ place: place.name, words: due, others: [] });
    }
    for (const platform of this.#platforms) expect(platform.elsewhere()).toEqual([]);
  }

  /** Placeholders that a crash left empty. */
  get strays(): number {
    return [...this.#due.keys()].flatMap((place) => place.shown()).filter((text) => text === PLACEHOLDER).length;
  }

  #say(place: Place): void {
    const number = this.said++;
    const answer = answerTo(number);
    writeAnswer(this.#answers, number, answer);
    this.#due.get(place)?.push(...answer.words);
    place.say(`q${number}`);
  }
}

const PLACEHOLDER = "…";
