/** Long answers as files: shown once, whatever happens on the way, and as messages where Slack takes no files. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { SlackAdapter } from "../../adapters/slack/index.ts";
import { type Action, DeliveryError } from "../../src/channel.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import { adapterOn, stage } from "./slack-stage.ts";

const { signal } = new AbortController();
const CODE = Array.from({ length: 600 }, (_, i) => `line${i};`).join("\n");
const FENCE = `\`\`\`ts\n${CODE}\n\`\`\``;
const ANSWER = Array.from({ length: 100 }, (_, i) => `**Point ${i}**: ${`words${i} `.repeat(30)}äé東`).join("\n\n");
const APPROVE: Action = { kind: "button", label: "Approve", data: "approve" };
const STEPS = ["files.getUploadURLExternal", "upload", "files.completeUploadExternal", "chat.postMessage"] as const;

async function talk() {
  const staged = await stage();
  const { twin, adapter } = staged;
  const ada = twin.user("Ada Lovelace");
  const chat = twin.channel({ members: [ada] });
  const { ts: thread } = chat.mention(ada, "go on");
  const place = channelId("slack", `${twin.teamId}/${chat.id}/${thread}`);
  const shown = () =>
    chat.messages(thread).map(({ ts, text, message }) => ({
      ts,
      text,
      files: (message.files ?? []).map((file) => {
        const { id } = file as { id: string };
        const { name, bytes } = twin.files.content(id) ?? {};
        return { name, text: Buffer.from(bytes ?? []).toString(), shared: twin.files.isShared(id) };
      }),
    }));
  const sendAll = async (parts: readonly string[]) => {
    for (const [i, part] of parts.entries()) await adapter.send(place, part, { key: `part ${i}`, signal });
  };
  const words = (text: string) => text.match(/\w+\d+/g) ?? [];
  const shownWords = () =>
    words(
      shown()
        .map(({ text }) => text)
        .join(" "),
    );
  return { ...staged, ada, chat, thread, place, shown, sendAll, words, shownWords };
}

/** What core does with an answer: what is in doubt is looked up before it is sent again. */
async function persist(adapters: readonly SlackAdapter[], place: ChannelId, text: string): Promise<string> {
  const since = Date.now() - 60_000;
  for (const adapter of adapters) {
    try {
      return await adapter.send(place, text, { key: "k", signal });
    } catch (error) {
      if (!(error instanceof DeliveryError) || !["unknown", "unavailable"].includes(error.kind)) throw error;
      const found = error.kind === "unknown" ? await adapter.lookup(place, "k", since, signal) : undefined;
      if (found !== undefined) return found;
    }
  }
  throw new Error("never sent");
}

describe("files for Slack", () => {
  it("hold all of a long answer, below its beginning, in its thread", async () => {
    const { adapter, shown, sendAll } = await talk();
    await sendAll(adapter.split(ANSWER));
    expect(shown().map(({ files }) => files)).toEqual([
      [],
      [],
      [],
      [{ name: "answer.md", text: ANSWER, shared: true }],
    ]);
    expect(shown()[0]?.text).toMatch(/^Point 0: words0 /);
    expect(shown()[3]?.text).toBe("The whole answer: answer.md");
  });

  it("hold code that would have to be cut", async () => {
    const { adapter, place, shown } = await talk();
    const [intro = "", code = "", end = ""] = adapter.split(`Here:\n\n${FENCE}\n\nDone.`);
    expect([intro, end]).toEqual(["Here:", "Done."]);
    const ts = await adapter.send(place, code, { key: "k", signal });
    expect(shown()).toEqual([
      { ts, text: "The code: code.ts", files: [{ name: "code.ts", text: `${CODE}\n`, shared: true }] },
    ]);
  });

  it("are asked for where Slack does not say at once where they are", async () => {
    const { twin, adapter, place, shown } = await talk();
    twin.uploads.brief = true;
    const ref = await adapter.send(place, FENCE, { key: "k", signal });
    expect(twin.calls("files.info")).toHaveLength(1);
    expect(shown()).toMatchObject([{ ts: ref, files: [{ name: "code.ts", shared: true }] }]);
  });

  it.each(
    STEPS.flatMap((method) => (["drop-after", "drop-before", "5xx", "cut"] as const).map((kind) => ({ method, kind }))),
  )("are shown once where $method fails: $kind", async ({ method, kind }) => {
    const { twin, adapter, place, shown, words, shownWords } = await talk();
    twin.fault({ kind, method });
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    const ref = await persist([adapter, other], place, FENCE);
    expect(shown().at(-1)?.ts).toBe(ref);
    // Where its bytes find no way, it is shown in messages.
    if (method === "upload") expect(shownWords()).toEqual(words(CODE));
    else expect(shown()).toMatchObject([{ files: [{ name: "code.ts", shared: true }] }]);
  });

  it.each(STEPS)("are shown once where the process dies at %s, and found by another", async (method) => {
    const { twin, adapter, place, shown } = await talk();
    const since = Date.now() - 60_000;
    twin.fault({ kind: "hang-after", method });
    const killed = adapterOn(twin);
    const sending = killed.send(place, ANSWER, { key: "k", signal });
    sending.catch(() => {});
    await twin.until(() => twin.calls(method).length === 1);
    await killed.close();
    await sending.catch(() => {});
    const isPosted = method === "chat.postMessage";
    const found = await adapter.lookup(place, "k", since, signal);
    expect(found).toBe(isPosted ? shown()[0]?.ts : undefined);
    const ref = found ?? (await adapter.send(place, ANSWER, { key: "k", signal }));
    expect(shown()).toMatchObject([{ ts: ref, files: [{ name: "answer.md", text: ANSWER, shared: true }] }]);
  });

  it("wait where Slack asks for a pause", async () => {
    const { twin, adapter, place, shown } = await talk();
    for (const method of STEPS.filter((step) => step !== "upload")) {
      twin.fault({ kind: "429", method, retryAfter: 30 });
      await expect(adapter.send(place, FENCE, { key: "k", signal })).rejects.toMatchObject({ kind: "limited" });
    }
    expect(shown()).toEqual([]);
  });

  it("are not sent where that is not permitted any more", async () => {
    const { twin, adapter, place } = await talk();
    let asked = 0;
    const soon = () => ++asked < 3;
    for (const permit of [() => false, soon]) {
      await expect(adapter.send(place, FENCE, { key: "k", signal, permit })).rejects.toMatchObject({
        kind: "unavailable",
      });
    }
    expect(twin.calls("files.completeUploadExternal")).toHaveLength(1);
    expect(twin.calls("chat.postMessage")).toEqual([]);
  });

  it("are given up with the send", async () => {
    const { twin, adapter, place } = await talk();
    twin.fault({ kind: "hang-after", method: "upload" });
    const giveUp = new AbortController();
    const sending = adapter.send(place, FENCE, { key: "k", signal: giveUp.signal });
    await twin.until(() => twin.calls("upload").length === 1);
    giveUp.abort();
    await expect(sending).rejects.toMatchObject({ kind: "unavailable" });
    expect(twin.calls("chat.postMessage")).toEqual([]);
  });
});

describe("where Slack takes no file", () => {
  it.each(["missing_scope", "file_upload_size_restricted", "storage_limit_reached", "files_disabled"])(
    "because of %s, all is said in messages",
    async (reason) => {
      const { twin, adapter, shown, sendAll, words, shownWords, logged } = await talk();
      if (reason === "missing_scope") twin.scopes.delete("files:write");
      else twin.uploads.refusal = reason;
      await sendAll(adapter.split(ANSWER));
      expect(shownWords()).toEqual(words(ANSWER));
      expect(shown().flatMap(({ files }) => files)).toEqual([]);
      expect(logged.some(({ fields }) => JSON.stringify(fields ?? {}).includes(reason))).toBe(true);
    },
  );

  it("the last of the messages is the one that counts", async () => {
    const { twin, adapter, place, shown } = await talk();
    twin.uploads.refusal = "files_disabled";
    const ref = await adapter.send(place, FENCE, { key: "k", signal });
    expect(shown().length).toBeGreaterThan(1);
    expect(shown().at(-1)?.ts).toBe(ref);
  });

  it("a send that broke off goes on where it was", async () => {
    const { twin, adapter, place, shownWords, words, shown } = await talk();
    const since = Date.now() - 60_000;
    twin.uploads.refusal = "files_disabled";
    twin.fault({ kind: "drop-after", method: "chat.postMessage", after: 2 });
    await expect(adapter.send(place, ANSWER, { key: "k", signal })).rejects.toMatchObject({ kind: "unknown" });
    expect(shown()).toHaveLength(3);
    expect(await adapter.lookup(place, "k", since, signal)).toBeUndefined();
    const other = adapterOn(twin);
    onTestFinished(() => other.close());
    const ref = await other.send(place, ANSWER, { key: "k", signal });
    const left = adapter.split(ANSWER).slice(0, 3).flatMap(words);
    expect(shownWords()).toEqual(words(ANSWER).slice(left.length));
    expect(await other.lookup(place, "k", since, signal)).toBe(ref);
  });
});

it("what can be done about a long text stands below the last of its messages", async () => {
  const { adapter, chat, place, shown, shownWords, words } = await talk();
  const ref = await adapter.send(place, FENCE, { key: "k", signal, actions: [APPROVE] });
  expect(shownWords()).toEqual(words(CODE));
  expect(shown().at(-1)?.ts).toBe(ref);
  expect(shown().map(({ ts }) => chat.actions(ts).length)).toEqual([
    ...shown()
      .slice(1)
      .map(() => 0),
    1,
  ]);
});
