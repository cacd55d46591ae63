/** Runs one measurement in one process or several, on a Redis of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RedisServer } from "../../support/redis.ts";
import { type Figures, percentile } from "../benchmark.ts";
import { channelsAt } from "../turns.ts";
import type { Order, Report } from "./replica.ts";
import { perMessage, readCounters, startBenchRedis } from "./server.ts";
import type { CallSize, Mode, Share } from "./work.ts";

const MESSAGES_EACH = 20;
/** Before what is measured, so that sessions exist and the code is compiled. */
const WARM_UP_EACH = 3;
/** What `run.ts` is started with to be one of the processes. */
export const REPLICA = "--replica";
const RUN = fileURLToPath(new URL("../run.js", import.meta.url));

export interface Crew {
  readonly mode: Mode;
  readonly replicas: number;
  /** In all processes together. */
  readonly inFlight: number;
  readonly size?: CallSize;
  readonly channels?: number;
  readonly each?: number;
}

export async function measureCrew(crew: Crew): Promise<Figures> {
  const { replicas, channels = channelsAt(crew.inFlight), each = MESSAGES_EACH } = crew;
  const server = await startBenchRedis();
  const members: Member[] = [];
  try {
    for (let replica = 0; replica < replicas; replica += 1) members.push(new Member(crew, replica, server, members));
    await Promise.all(members.map((member) => member.next("ready")));
    await Promise.all(members.map((member) => member.run({ kind: "run", channels, from: 0, each: WARM_UP_EACH })));
    const before = await readCounters(server);
    const done = await Promise.all(
      members.map((member) => member.run({ kind: "run", channels, from: WARM_UP_EACH, each })),
    );
    const after = await readCounters(server);
    await Promise.all(members.map((member) => member.close()));
    const messages = channels * each;
    const began = Math.min(...done.map((report) => report.began));
    const ended = Math.max(...done.map((report) => report.ended));
    const latencies = done.flatMap((report) => report.latencies);
    const { cpu: redis, ...counted } = perMessage(before, after, messages);
    const node = done.reduce((sum, { cpu }) => sum + cpu, 0) / messages;
    return {
      perSecond: (messages / (ended - began)) * 1e6,
      node,
      redis,
      cpu: node + redis,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      ...counted,
    };
  } finally {
    for (const member of members) member.kill();
    await server.stop();
  }
}

class Member {
  readonly #child: ChildProcess;
  readonly #gone: Promise<never>;

  constructor({ mode, replicas, inFlight, size }: Crew, replica: number, { url }: RedisServer, all: Member[]) {
    const share: Share = {
      ...{ url, mode, replica, replicas },
      inFlight: Math.floor((inFlight + replica) / replicas),
      ...(size === undefined ? {} : { size }),
    };
    this.#child = fork(RUN, [REPLICA, JSON.stringify(share)], { execArgv: [...process.execArgv] });
    this.#gone = new Promise((_, reject) => {
      this.#child.once("exit", (code) => reject(new Error(`A process of "${mode}" ended with code ${code}.`)));
    });
    this.#gone.catch(() => {});
    this.#child.on("message", (report: Report) => {
      if (report.kind === "settled") all[report.to]?.tell({ kind: "settled", channels: report.channels });
    });
  }

  tell(order: Order): void {
    if (this.#child.connected) this.#child.send(order);
  }

  async run(order: Order): Promise<Report & { kind: "done" }> {
    this.tell(order);
    return await this.next("done");
  }

  async next<Kind extends Report["kind"]>(kind: Kind): Promise<Report & { kind: Kind }> {
    const reported = new Promise<Report & { kind: Kind }>((resolve) => {
      const listen = (report: Report) => {
        if (report.kind !== kind) return;
        this.#child.off("message", listen);
        resolve(report as Report & { kind: Kind });
      };
      this.#child.on("message", listen);
    });
    return await Promise.race([reported, this.#gone]);
  }

  /** Rejects where something was lost or is left over. */
  async close(): Promise<void> {
    const exit = once(this.#child, "exit");
    this.tell({ kind: "close" });
    const [code] = await exit;
    if (code !== 0) throw new Error(`A process of the measurement ended with code ${code}.`);
  }

  kill(): void {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
  }
}
