/** A master, its replica, and three Sentinels that watch them: two of them agreeing make the replica the master. */
import { eventually } from "./eventually.ts";
import { endWithTest, freePort } from "./lifetime.ts";
import { type RedisOptions, RedisServer } from "./redis.ts";

const NAME = "mymaster";
const SENTINELS = 3;
/** Milliseconds; for a test that fails. */
const FAILOVER_WITHIN = 30_000;

export async function startSentinel(options: Pick<RedisOptions, "appendfsync" | "config"> = {}): Promise<SentinelSet> {
  const { config = [], ...rest } = options;
  const servers: RedisServer[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  await endWithTest(stop);
  const begin = async (more: RedisOptions) => {
    const server = new RedisServer(await freePort(), more);
    servers.push(server);
    await server.start();
    return server;
  };
  try {
    const master = await begin({ ...rest, config: ["repl-diskless-sync-delay 0", ...config] });
    const following = [`replicaof 127.0.0.1 ${master.port}`, "repl-diskless-sync-delay 0", ...config];
    const replica = await begin({ ...rest, config: following });
    await eventually(async () => {
      return String(await replica.command("INFO", "replication")).includes("master_link_status:up");
    }, "the replica follows");
    // A Sentinel asks the master for its replicas at once and then every 10 s: so the replica comes first.
    const watching = [
      `sentinel monitor ${NAME} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${NAME} 1000`,
      `sentinel failover-timeout ${NAME} 5000`,
    ];
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, () => begin({ sentinel: true, config: watching })),
    );
    await eventually(async () => {
      const views = await Promise.all(sentinels.map((sentinel) => sentinel.command("SENTINEL", "MASTER", NAME)));
      return views.every(
        (view) => field(view, "num-other-sentinels") === String(SENTINELS - 1) && field(view, "num-slaves") === "1",
      );
    }, "the Sentinels know each other and the replica");
    return new SentinelSet(master, replica, sentinels);
  } catch (error) {
    await stop();
    throw error;
  }
}

export class SentinelSet {
  /** What began as the master, and as the replica. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];

  constructor(master: RedisServer, replica: RedisServer, sentinels: readonly RedisServer[]) {
    this.master = master;
    this.replica = replica;
    this.sentinels = sentinels;
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${NAME}`;
  }

  /** kill -9 of what began as the master. */
  async killMaster(): Promise<RedisServer> {
    await this.master.kill();
    return this.master;
  }

  /** Resolves when all Sentinels name what began as the replica. */
  async switched(): Promise<void> {
    await eventually(
      async () => {
        const asked = this.sentinels.map((sentinel) => sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME));
        const address = `127.0.0.1,${this.replica.port}`;
        return (await Promise.all(asked)).every((answer) => String(answer) === address);
      },
      "the replica is the master",
      FAILOVER_WITHIN,
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, this.replica, this.master].map((server) => server.stop()));
  }
}

function field(view: unknown, name: string): string | undefined {
  if (!Array.isArray(view)) throw new Error(`SENTINEL MASTER answered ${JSON.stringify(view)}`);
  return view[view.indexOf(name) + 1];
}
