/** What people attach, on its way from Telegram. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import type { FileDraft } from "../twins/telegram/index.ts";
import { adapterOn, talk } from "./telegram-stage.ts";

const { signal } = new AbortController();
const bytes = Buffer.from([0, 255, 128, 10]);

/** A file that has come in a private chat. */
async function sent(draft: Partial<FileDraft> = {}) {
  const staged = await talk();
  const { chat, ada, taken } = staged;
  chat.send(ada, { name: "a.bin", bytes, ...draft });
  await eventually(() => taken.length === 2, "the file arrives");
  const [file] = taken[1]?.files ?? [];
  if (file === undefined) throw new Error("it came without its file");
  return { ...staged, file };
}

describe("files from Telegram", () => {
  it("gives a photo in its largest size", async () => {
    const large = Buffer.alloc(9000, 7);
    const { adapter, channel, file } = await sent({ kind: "photo", bytes: large, caption: "see" });
    expect(file).toMatchObject({ name: "photo.jpg", type: "image/jpeg", size: 9000 });
    expect(large.equals(await adapter.download(channel, file, signal))).toBe(true);
  });

  it("hears files in a group where they speak to it, and overhears the others", async () => {
    const { twin, adapter, taken, ada } = await talk();
    const group = twin.group({ title: "Team", members: [ada] });
    group.send(ada, { name: "a.bin", bytes, caption: "@switchboard_bot read this" });
    await eventually(() => taken.length === 2, "the caption's mention arrives");
    const ref = await adapter.send(`telegram:${group.id}`, "which one?", { key: "k", signal });
    group.send(ada, { name: "b.bin", bytes }, { replyTo: Number(ref) });
    await eventually(() => taken.length === 3, "the reply arrives");
    twin.privacyMode = false;
    group.send(ada, { name: "c.bin", bytes });
    await eventually(() => taken.length === 4, "the other arrives");
    expect(taken.slice(1).map(({ text, addressed }) => [text, addressed])).toEqual([
      ["read this\n[file: a.bin (unknown type, 4 bytes)]", true],
      ["[file: b.bin (unknown type, 4 bytes)]", true],
      ["[file: c.bin (unknown type, 4 bytes)]", false],
    ]);
  });

  it("asks for none that is larger than Telegram gives, and says why", async () => {
    const { twin, adapter, channel, file } = await sent({ size: 20 * 1024 * 1024 + 1 });
    const refused = { kind: "refused", message: expect.stringContaining("20 MB") };
    await expect(adapter.download(channel, file, signal)).rejects.toMatchObject(refused);
    expect(twin.calls("getFile")).toEqual([]);
    await expect(adapter.download(channel, { ...file, size: 0 }, signal)).rejects.toMatchObject(refused);
  });

  it("takes no path that leads off the server's files", async () => {
    const { adapter, channel, file } = await sent();
    const own = adapterOn({
      apiRoot: await fakeApi((token) => `/var/lib/bots/${token}/documents/a`),
      token: "7:secret",
    });
    onTestFinished(() => own.close());
    const failure = await own.download(channel, file, signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "refused", message: expect.stringContaining("--local") });
    expect(inspect(failure, { depth: 9 })).not.toContain("secret");
    await expect(adapter.download(channel, file, signal)).resolves.toHaveLength(4);
  });

  it("never shows the token", async () => {
    const { twin, adapter, channel, file, logged } = await sent();
    const faults = [
      ...["drop-before", "cut", "5xx"].map((kind) => ({ kind: kind as "cut", method: "file" })),
      { kind: "refuse" as const, method: "file", error: { code: 404, description: "Not Found" } },
      { kind: "refuse" as const, method: "getFile", error: { code: 400, description: "Bad Request: invalid file_id" } },
      { kind: "drop-before" as const, method: "getFile" },
    ];
    const failures: unknown[] = [];
    for (const fault of faults) {
      twin.fault(fault);
      failures.push(await adapter.download(channel, file, signal).catch((error: unknown) => error));
    }
    await twin.stop();
    failures.push(await adapter.download(channel, file, signal).catch((error: unknown) => error));
    expect(failures.every((failure) => failure instanceof Error)).toBe(true);
    const secret = twin.token.split(":")[1] ?? "?";
    expect(inspect([failures, logged], { depth: 20, showHidden: true })).not.toContain(secret);
  });
});

/** A Bot API server that answers `getFile` with a path of its own. */
async function fakeApi(path: (token: string) => string): Promise<string> {
  const server = createServer((request, response) => {
    const token = /bot([^/]+)/.exec(request.url ?? "")?.[1] ?? "";
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ok: true, result: { file_id: "F", file_path: path(token) } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
