/** Files that people attach: how they come, and how they are read. */
import { describe, expect, it } from "vitest";
import { type Attachment, channelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { stage } from "./slack-stage.ts";

const { signal } = new AbortController();
const MEBIBYTE = 1024 * 1024;
const IMAGE = { name: "cat.png", type: "image/png", bytes: Buffer.from([137, 80, 78, 71, 0, 255]) };

async function shared(contents: { name: string; type?: string; bytes: Uint8Array; elsewhere?: string }[] = [IMAGE]) {
  const staged = await stage();
  const { twin, adapter, core } = staged;
  const ada = twin.user("Ada Lovelace");
  const chat = twin.dm(ada);
  const place = channelId("slack", `${twin.teamId}/${chat.id}`);
  chat.share(ada, "look", contents);
  await eventually(() => core.taken.length === 1, "it arrives");
  const [event] = core.taken;
  const files = event?.files ?? [];
  const [file = { id: "none", name: "", type: "", size: 0 }] = files;
  const read = (which: Attachment = file) => adapter.download(place, which, signal);
  return { ...staged, place, event, files, file, read };
}

describe("a file that a person shares", () => {
  it("comes with its message, live and from the history, and is read with the bot's token", async () => {
    const { twin, adapter, event, files, place, read } = await shared();
    expect(files).toEqual([{ id: expect.any(String), name: "cat.png", type: "image/png", size: 6 }]);
    expect(event?.text).toMatch(/^look\n\[file: cat\.png \(image\/png, 6 bytes\)\]\(http/);
    expect(await adapter.history(place, 0, 10, signal)).toEqual([event]);
    expect(Buffer.from(await read())).toEqual(IMAGE.bytes);
    expect(twin.calls("download").map(({ params }) => params.token)).toEqual([twin.botToken]);
  });

  it("may be a page, or have nothing in it", async () => {
    const page = { name: "a.html", type: "text/html", bytes: Buffer.from("<p>hello</p>") };
    const { files, read } = await shared([page, { name: "empty", bytes: Buffer.alloc(0) }]);
    const [html, empty] = await Promise.all(files.map((file) => read(file)));
    expect([Buffer.from(html ?? []).toString(), empty?.length]).toEqual(["<p>hello</p>", 0]);
  });

  it("is gone when it was deleted", async () => {
    const { twin, file, read } = await shared();
    await expect(read({ ...file, id: "F0UNKNOWN" })).rejects.toMatchObject({ kind: "gone" });
    twin.files.remove(file.id);
    await expect(read()).rejects.toMatchObject({ name: "DeliveryError", kind: "gone" });
    expect(twin.calls("download")).toEqual([]);
  });

  it("can't be had without the scope for it, and what to do is said", async () => {
    const { twin, read } = await shared();
    twin.scopes.delete("files:read");
    await expect(read()).rejects.toMatchObject({ kind: "refused", message: /files:read.*install the app again/ });
  });

  it("is not mistaken for the page to sign in, which whoever may not have it is sent to", async () => {
    const page = { name: "a.html", type: "text/html", bytes: Buffer.from("<p>hello</p>") };
    const { twin, files, read } = await shared([IMAGE, page]);
    // The right is lost between the question where the file is and the one for its bytes.
    const described = files.map((file) => ({ file: twin.files.describe(file.id) }));
    twin.scopes.delete("files:read");
    for (const [i, file] of files.entries()) {
      const fault = twin.fault({ kind: "answer", method: "files.info", details: described[i] ?? {} });
      await expect(read(file)).rejects.toMatchObject({ kind: "refused", message: /files:read/ });
      expect(fault.hits).toBe(1);
    }
    expect(twin.calls("download")).toHaveLength(4);
  });

  it("is read up to a bound, whatever Slack said of its size", async () => {
    const { twin, file, read } = await shared([{ name: "big", bytes: Buffer.alloc(20 * MEBIBYTE + 1) }]);
    await expect(read()).rejects.toMatchObject({ kind: "refused", message: /20 MiB/ });
    await expect(read({ ...file, size: 0 })).rejects.toMatchObject({ kind: "refused", message: /20 MiB/ });
    expect(twin.calls("download")).toEqual([]);
    const described = { file: { ...twin.files.describe(file.id), size: 5 } };
    twin.fault({ kind: "answer", method: "files.info", details: described });
    await expect(read({ ...file, size: 5 })).rejects.toMatchObject({ kind: "refused", message: /20 MiB/ });
    expect(twin.calls("download")).toHaveLength(1);
  });

  it.each([
    ["https://files.example.org/x", "example.org"],
    ["https://slack.com.example.org/x", "slack.com.example.org"],
    ["https://notslack.com/x", "notslack.com"],
    ["http://files.slack.com/x", "files.slack.com"],
  ])("is not asked for at %s", async (elsewhere, host) => {
    const kept = await shared([IMAGE, { ...IMAGE, elsewhere }]);
    expect(kept.files).toHaveLength(1);
    const { twin, file, read } = kept;
    twin.fault({
      kind: "answer",
      method: "files.info",
      details: { file: { id: file.id, url_private_download: elsewhere } },
    });
    await expect(read()).rejects.toMatchObject({ kind: "refused", message: expect.stringContaining(host) });
  });

  it("is tried again later when Slack is away or asks for a pause", async () => {
    const { twin, read } = await shared();
    for (const method of ["files.info", "download"]) {
      for (const kind of ["5xx", "drop-before", "cut"] as const) {
        twin.fault({ kind, method });
        await expect(read()).rejects.toMatchObject({ kind: "unavailable" });
      }
      twin.fault({ kind: "429", method, retryAfter: 7 });
      await expect(read()).rejects.toMatchObject({ kind: "limited", retryAfter: 7000 });
    }
    expect(Buffer.from(await read())).toEqual(IMAGE.bytes);
  });

  it("is not waited for when it is given up", async () => {
    const { twin, adapter, place, file } = await shared();
    twin.fault({ kind: "hang-before", method: "download" });
    const giveUp = new AbortController();
    const reading = adapter.download(place, file, giveUp.signal);
    await twin.until(() => twin.calls("download").length === 1);
    giveUp.abort();
    await expect(reading).rejects.toMatchObject({ kind: "unavailable" });
  });
});
