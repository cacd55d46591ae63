/** A real Redis Cluster: masters, each with its replicas, that have met and share out all slots. */
import { eventually } from "./eventually.ts";
import { endWithTest, freePort } from "./lifetime.ts";
import { type RedisOptions, RedisServer } from "./redis.ts";

export interface ClusterOptions {
  /** Default 3. */
  readonly masters?: number;
  /** Default 0. */
  readonly replicasEach?: number;
  readonly appendfsync?: RedisOptions["appendfsync"];
  /** More lines for each redis.conf. */
  readonly config?: readonly string[];
}

const SLOTS = 16_384;
/** After so many milliseconds without an answer a node is taken for dead: short, for a quick failover. */
const NODE_TIMEOUT = 1_500;

export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicasEach = 0, appendfsync = "everysec", config = [] } = options;
  const nodes: RedisServer[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  await endWithTest(stop);
  for (let i = 0; i < masters * (1 + replicasEach); i++) {
    const lines = [
      "cluster-enabled yes",
      `cluster-port ${await freePort()}`,
      `cluster-node-timeout ${NODE_TIMEOUT}`,
      "cluster-replica-validity-factor 0",
      "repl-diskless-sync-delay 0",
      ...config,
    ];
    nodes.push(new RedisServer(await freePort(), { appendfsync, config: lines }));
  }
  try {
    await Promise.all(nodes.map((node) => node.start()));
    await join(nodes, masters);
  } catch (error) {
    await stop();
    throw error;
  }
  return new RedisCluster(nodes, masters);
}

export class RedisCluster {
  /** The first ones began as masters; the replicas follow, the first of each master first. */
  readonly nodes: readonly RedisServer[];
  readonly #masters: number;

  constructor(nodes: readonly RedisServer[], masters: number) {
    this.nodes = nodes;
    this.#masters = masters;
  }

  get url(): string {
    const masters = this.nodes.slice(0, this.#masters);
    return `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  /** kill -9 of what began as the i-th master. `start` brings it back, as a replica where one has taken over. */
  async killMaster(i: number): Promise<RedisServer> {
    const master = this.nodes[i];
    if (!master || i >= this.#masters) throw new Error(`the cluster has no master ${i}`);
    await master.kill();
    return master;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

/** What `redis-cli --cluster create` does, without its waits. */
async function join(nodes: readonly RedisServer[], masters: number): Promise<void> {
  const [first] = nodes;
  if (!first) return;
  await Promise.all(
    nodes.map(async (node, i) => {
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
      if (i >= masters) return;
      const from = Math.floor((SLOTS * i) / masters);
      await node.command("CLUSTER", "ADDSLOTSRANGE", from, Math.floor((SLOTS * (i + 1)) / masters) - 1);
    }),
  );
  for (const node of nodes.slice(1)) {
    const bus = lineOf(await node.command("CONFIG", "GET", "cluster-port"), "cluster-port");
    await first.command("CLUSTER", "MEET", "127.0.0.1", node.port, bus);
  }
  await eventually(async () => {
    const counts = await Promise.all(nodes.map((node) => infoOf(node, "cluster_known_nodes")));
    return counts.every((count) => Number(count) === nodes.length);
  }, "all nodes know each other");
  const ids = await Promise.all(nodes.map((node) => node.command("CLUSTER", "MYID")));
  for (const [i, node] of nodes.entries()) {
    if (i >= masters) await node.command("CLUSTER", "REPLICATE", String(ids[(i - masters) % masters]));
  }
  await eventually(async () => {
    const states = await Promise.all(nodes.map((node) => infoOf(node, "cluster_state")));
    return states.every((state) => state === "ok");
  }, "every slot is served");
  await eventually(async () => {
    const replicas = await Promise.all(nodes.slice(masters).map((node) => node.command("INFO", "replication")));
    return replicas.every((info) => String(info).includes("master_link_status:up"));
  }, "every replica follows its master");
}

async function infoOf(node: RedisServer, field: string): Promise<string | undefined> {
  const info = String(await node.command("CLUSTER", "INFO"));
  return new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

/** CONFIG GET answers a list of names and values, or an object, as the protocol's version goes. */
function lineOf(answer: unknown, name: string): string {
  if (Array.isArray(answer)) return String(answer[answer.indexOf(name) + 1]);
  throw new Error(`CONFIG GET ${name} answered ${JSON.stringify(answer)}`);
}
