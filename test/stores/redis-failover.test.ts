/** Sentinels that are slow: to tell the master, and to tell of a failover. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openRedisStore } from "../../src/stores/redis/store.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis.ts";
import { parseCommand } from "../support/resp.ts";

test("a failover that is told while the master is looked for does not end the connection for good", async () => {
  const [before, after] = [await startRedis(), await startRedis()];
  const sentinel = await startSlowSentinel(before.port);
  const store = await openRedisStore({
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`,
    ...{ clock: systemClock, dedupeFor: 86_400_000, lease: 3_000, keep: 0 },
  });
  onTestFinished(() => store.close());
  await eventually(() => sentinel.subscribers === 2, "both connections listen for failovers");

  sentinel.hold();
  await before.kill();
  await eventually(() => sentinel.held === 2, "both look for the master");
  sentinel.switchTo(after.port);
  await eventually(() => sentinel.subscribers === 0, "both have heard of the failover");
  sentinel.answer();
  await eventually(async () => {
    const clients = String(await after.command("CLIENT", "LIST"));
    return clients.includes("switchboard-commands") && clients.includes("switchboard-hints");
  }, "both are connected to the new master");
  expect(await store.stats()).toMatchObject({ sessions: 0 });
});

test("a Sentinel that takes connections and says nothing is passed over", async () => {
  const server = await startRedis();
  const [frozen, other] = [await startSlowSentinel(server.port), await startSlowSentinel(server.port)];
  frozen.hold();
  const store = await openRedisStore({
    url: `redis+sentinel://127.0.0.1:${frozen.port},127.0.0.1:${other.port}/mymaster`,
    ...{ clock: systemClock, dedupeFor: 86_400_000, lease: 3_000, keep: 0 },
  });
  onTestFinished(() => store.close());
  expect(await store.stats()).toMatchObject({ sessions: 0 });
});

/** As much of a Sentinel as a client needs, whose answers come when they are told to. */
async function startSlowSentinel(port: number) {
  let master = port;
  let isHolding = false;
  const waiting: (() => void)[] = [];
  const listeners = new Set<Socket>();
  const sockets = new Set<Socket>();

  const carryOut = (socket: Socket, [name = "", ...args]: readonly string[]): void => {
    const [what = ""] = args;
    if (/^hello$/i.test(name)) return void socket.write("-ERR unknown command 'HELLO'\r\n");
    if (/^subscribe$/i.test(name)) {
      listeners.add(socket);
      return void socket.write(`*3\r\n${bulk("subscribe")}${bulk(what)}:1\r\n`);
    }
    if (!/^sentinel$/i.test(name)) return void socket.write("+OK\r\n");
    if (/^sentinels$/i.test(what)) return void socket.write("*0\r\n");
    const answer = () => void socket.write(`*2\r\n${bulk("127.0.0.1")}${bulk(String(master))}`);
    if (isHolding) waiting.push(answer);
    else answer();
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    let bytes: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let parsed = parseCommand(bytes); parsed; parsed = parseCommand(bytes)) {
        bytes = bytes.subarray(parsed.end);
        carryOut(socket, parsed.command);
      }
    });
    socket.on("error", () => {}); // A client that goes: "close" follows.
    socket.on("close", () => {
      sockets.delete(socket);
      listeners.delete(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  return {
    port: (server.address() as AddressInfo).port,
    get subscribers() {
      return listeners.size;
    },
    /** How many wait to be told the master. */
    get held() {
      return waiting.length;
    },
    hold() {
      isHolding = true;
    },
    switchTo(port: number) {
      const told = `mymaster 127.0.0.1 ${master} 127.0.0.1 ${port}`;
      master = port;
      for (const socket of listeners) {
        socket.write(`*3\r\n${bulk("message")}${bulk("+switch-master")}${bulk(told)}`);
      }
    },
    answer() {
      isHolding = false;
      for (const tell of waiting.splice(0)) tell();
    },
  };
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
