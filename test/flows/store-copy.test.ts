/** Moving a gateway from its folder to Redis and back, by the command line, with the gateway itself before and after. */
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { GatewayProcess, runCli } from "../support/process.ts";
import { startRedis } from "../support/redis.ts";

const TOKEN = "a-token-for-this-test";

async function ask(gateway: GatewayProcess, path: string, post?: object): Promise<Response> {
  return await fetch(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    ...(post === undefined ? {} : { method: "POST", body: JSON.stringify(post) }),
  });
}

async function say(gateway: GatewayProcess, id: string, text: string): Promise<number> {
  return (await ask(gateway, "/channels/one/messages", { id, text })).status;
}

async function rowsOf(gateway: GatewayProcess) {
  const { sessions } = JSON.parse(await (await ask(gateway, "/api/v1/sessions")).text());
  return sessions;
}

async function gatewayOn(folder: string, url: string): Promise<GatewayProcess> {
  const lines = [
    `store: { url: "${url}" }`,
    `http: { port: 0, token: ${TOKEN} }`,
    "replica: { lease: 1s }",
    "shutdown: { grace: 100ms }",
    "log: { level: warn }",
  ];
  const gateway = new GatewayProcess(folder, lines.join("\n"));
  await gateway.start();
  return gateway;
}

test("a gateway goes on in Redis with what it had in its folder, and back again", { timeout: 90_000 }, async () => {
  const folder = temporaryFolder();
  const server = await startRedis();
  const [embedded, shared, back] = ["lmdb:./data", `${server.url}/0`, "lmdb:./again"];
  const copy = (from: string, to: string) =>
    runCli(["--config", "switchboard.yaml", "--json", "store", "copy", "--from", from, "--to", to], { cwd: folder });

  const first = await gatewayOn(folder, embedded);
  await say(first, "message-1", "help");
  await say(first, "message-2", "slow 600");
  await say(first, "message-3", "waits");
  await eventually(async () => (await rowsOf(first))[0]?.status === "running", "it runs");
  expect(await copy(embedded, shared)).toMatchObject({ code: 1, stderr: expect.stringContaining("in use by") });
  await first.signal("SIGKILL");
  const there = await copy(embedded, shared);
  expect(there).toMatchObject({ code: 0 });
  expect(JSON.parse(there.stdout)).toMatchObject({
    written: 1,
    figures: { channels: 1, sessions: 1, inFlight: 1, waiting: 1 },
    checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
  });

  const second = await gatewayOn(folder, shared);
  await eventually(async () => (await rowsOf(second))[0]?.status === "running", "it runs again");
  const [row] = await rowsOf(second);
  expect(row).toMatchObject({ channel: "web:one", waiting: 1 });
  const { queue } = JSON.parse(await (await ask(second, `/api/v1/sessions/${row.id}`)).text());
  expect(queue.running).toMatchObject({ attempt: 2, messages: [{ id: "message-2" }] });
  expect(await copy(shared, back)).toMatchObject({ code: 1, stderr: expect.stringContaining("used by the replica") });
  await second.signal("SIGTERM");
  expect(await copy(shared, back)).toMatchObject({ code: 0 });
  expect(await copy(embedded, shared)).toMatchObject({ code: 1, stderr: expect.stringContaining("store of its own") });

  const third = await gatewayOn(folder, back);
  expect((await rowsOf(third))[0]).toMatchObject({ id: row.id, waiting: 1 });
  await third.signal("SIGTERM");
});

test("wrong usage is told as such", async () => {
  const cwd = temporaryFolder();
  expect(await runCli(["store", "copy", "--from", "lmdb:./data"], { cwd })).toMatchObject({ code: 2 });
  expect(await runCli(["store", "copy", "--from", "./data", "--to", "lmdb:./b"], { cwd })).toMatchObject({ code: 2 });
  const absent = await runCli(["store", "copy", "--from", "lmdb:./absent", "--to", "lmdb:./b"], { cwd });
  expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no store in") });
});
