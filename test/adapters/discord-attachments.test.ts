/** What people attach, on its way from Discord. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Attachment } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { stage } from "./discord-stage.ts";

const { signal } = new AbortController();
const CDN = "GET /attachments";
const one = { name: "a.bin", type: "application/x-a", bytes: Buffer.from([0, 255, 128, 10]) };
const two = { name: "b.bin", bytes: Buffer.from([1, 2, 3]) };

/** Two files that have come with one message in a server. */
async function sent() {
  const staged = await stage();
  const { twin, taken } = staged;
  await eventually(() => twin.gateway.connected, "connected");
  const ada = twin.user({ username: "ada" });
  const room = twin.guild("Team").text("general");
  const channel = `discord:${room.id}` as const;
  room.mention(ada, "look", { files: [one, two] });
  await eventually(() => taken.length === 1, "the message arrives");
  return { ...staged, ada, room, channel, files: taken[0]?.files ?? [] };
}

const hex = (bytes: readonly Uint8Array[]) => bytes.map((part) => Buffer.from(part).toString("hex"));

describe("files from Discord", () => {
  it("gives each file of a message, and no token to who keeps them", async () => {
    const { twin, adapter, channel, files, taken } = await sent();
    expect(files).toMatchObject([
      { name: "a.bin", type: "application/x-a", size: 4 },
      { name: "b.bin", type: "application/octet-stream", size: 3 },
    ]);
    expect(taken[0]?.text).toMatch(/^look\n\[file: a\.bin .*\]\(http.*\)\n\[file: b\.bin /);
    const all = await Promise.all(files.map((file) => adapter.download(channel, file, signal)));
    expect(hex(all)).toEqual(hex([one.bytes, two.bytes]));
    twin.expireLinks();
    const again = await Promise.all(files.map((file) => adapter.download(channel, file, signal)));
    expect(hex(again)).toEqual(hex([one.bytes, two.bytes]));
    const fetched = twin.calls(CDN);
    expect(fetched.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 404, 404]);
    expect(fetched.filter(({ params }) => "authorization" in params)).toEqual([]);
  });

  it("gives what was read from history, also where its link has expired since", async () => {
    const { twin, adapter, channel } = await sent();
    const [event] = await adapter.history(channel, 0, 10, signal);
    const [, file] = event?.files ?? [];
    if (file === undefined) throw new Error("history tells of no files");
    twin.expireLinks();
    expect(hex([await adapter.download(channel, file, signal)])).toEqual(hex([two.bytes]));
  });

  it("knows a file that was taken off its message", async () => {
    const { twin, adapter, channel, files } = await sent();
    twin.expireLinks();
    const [file] = files;
    if (file === undefined) throw new Error("it came without its file");
    const other = { ...file, id: file.id.replace(/^(\d+)\/\d+/, `$1/${twin.id()}`) };
    await expect(adapter.download(channel, other, signal)).rejects.toMatchObject({ kind: "gone" });
  });

  it("goes nowhere else than where the link leads", async () => {
    const { adapter, channel, twin } = await sent();
    let asked = 0;
    const elsewhere = await listen((response) => {
      asked++;
      response.end("secret");
    });
    const cdn = await listen((response) => response.writeHead(302, { location: elsewhere }).end());
    const file: Attachment = { id: `${twin.id()}/${twin.id()}/${cdn}`, name: "a", type: "b", size: 6 };
    await expect(adapter.download(channel, file, signal)).rejects.toMatchObject({ kind: "refused" });
    expect(asked).toBe(0);
  });

  it("holds no more than it says", async () => {
    const { adapter, channel, twin, files } = await sent();
    const [file] = files;
    if (file === undefined) throw new Error("it came without its file");
    const huge = { ...file, size: 2 ** 30 };
    await expect(adapter.download(channel, huge, signal)).rejects.toMatchObject({ kind: "refused" });
    expect(twin.calls(CDN)).toEqual([]);
    const endless = await listen((response) => {
      const piece = Buffer.alloc(1024 * 1024);
      const more = () => {
        while (!response.destroyed && response.write(piece));
        response.once("drain", more);
      };
      more();
    });
    const lying = { ...file, id: `${twin.id()}/${twin.id()}/${endless}` };
    await expect(adapter.download(channel, lying, signal)).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("64 MB"),
    });
  });

  it("never shows the token, or a link that was signed", async () => {
    const { twin, adapter, channel, files, logged } = await sent();
    const [file] = files;
    if (file === undefined) throw new Error("it came without its file");
    const failures: unknown[] = [];
    for (const kind of ["drop-before", "cut", "5xx", "429"] as const) {
      twin.fault({ kind, method: CDN });
      failures.push(await adapter.download(channel, file, signal).catch((error: unknown) => error));
    }
    await twin.stop();
    failures.push(await adapter.download(channel, file, signal).catch((error: unknown) => error));
    expect(failures.every((failure) => failure instanceof Error)).toBe(true);
    const shown = inspect([failures, logged], { depth: 20, showHidden: true });
    expect(shown).not.toContain(twin.token);
    expect(shown).not.toContain("hm=");
  });
});

async function listen(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
}
