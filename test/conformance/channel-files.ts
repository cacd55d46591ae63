/** What people attach to messages: the part of `describeChannel` about adapters that give files. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ChannelAdapter, DeliveryError, type Files, hasFiles } from "../../src/channel.ts";
import type { Attachment, ChannelId, InboundEvent } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import type { ChannelHarness, Platform } from "./channel.ts";
import { Core } from "./core.ts";

export interface FilesHarness {
  /** The person of this conversation sends a file, with a text where one is given. */
  attach(
    platform: Platform,
    conversation: number,
    file: SentFile,
    text?: string,
  ): Promise<{ readonly channel: ChannelId; readonly id: string }>;
  /** What can be the matter with a file once its message has come. */
  readonly faults: readonly FileFault[];
}

export interface SentFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface FileFault {
  readonly name: string;
  arrange(platform: Platform, event: InboundEvent, file: Attachment): void | Promise<void>;
  /** `given`: it must be had all the same. */
  readonly kind: DeliveryError["kind"] | "given";
}

/** No text in any encoding. */
const BYTES = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 151 + (index >> 8)) % 256);
const SENT: SentFile = { name: "plan-B.bin", type: "application/x-plan", bytes: BYTES };

export function describeFiles(name: string, harness: ChannelHarness, files: FilesHarness): void {
  describe(`files of a channel: ${name}`, () => {
    let platform: Platform;
    let core: Core;
    let adapters: ChannelAdapter[];

    beforeEach(async () => {
      platform = await harness.start();
      core = new Core();
      adapters = [];
    });

    afterEach(async () => {
      await Promise.all(adapters.map((adapter) => adapter.close()));
      await platform.stop();
    });

    const open = (): ChannelAdapter & Files => {
      const adapter = platform.open();
      adapters.push(adapter);
      if (!hasFiles(adapter)) throw new Error("the harness has files, and the adapter gives none");
      return adapter;
    };
    /** A file that has come, and the adapter that it came to. */
    const sent = async (file = SENT, text?: string) => {
      const adapter = open();
      await adapter.start(core);
      const { channel, id } = await files.attach(platform, 0, file, text);
      const find = () => core.taken.find((event) => event.channel === channel && event.id === id);
      await eventually(() => find() !== undefined, "the message arrives");
      const event = find();
      const [attachment] = event?.files ?? [];
      if (event === undefined || attachment === undefined) throw new Error("it came without its file");
      return { adapter, channel, event, attachment };
    };
    const { signal } = new AbortController();

    test("a message carries its file, and names it in its text", async () => {
      const { event, attachment } = await sent(SENT, "look at **this**");
      const { name, type, bytes } = SENT;
      expect(event.files).toEqual([{ id: attachment.id, name, type, size: bytes.length }]);
      expect(event).toMatchObject({ addressed: true, direct: true });
      expect(event.text.startsWith("look at **this**\n")).toBe(true);
      expect(event.text).toContain("plan-B.bin");
      expect(attachment.id).not.toBe("");
    });

    test("a file alone is a message too", async () => {
      const { event } = await sent();
      expect(event.text).toMatch(/^\[file: plan-B\.bin \(application\/x-plan, [\d.]+ \w+\)\]/);
      expect(event).toMatchObject({ addressed: true });
    });

    test("gives the very bytes, as often as it is asked, in every process", async () => {
      const { adapter, channel, attachment } = await sent();
      const other = open();
      for (const from of [adapter, adapter, other]) {
        const bytes = await from.download(channel, attachment, signal);
        expect(Buffer.from(bytes).equals(BYTES)).toBe(true);
      }
    });

    test("gives an empty file", async () => {
      const { adapter, channel, attachment } = await sent({ ...SENT, bytes: new Uint8Array() });
      expect(await adapter.download(channel, attachment, signal)).toHaveLength(0);
    });

    test("says that there is none by a handle that it can't have made", async () => {
      const { adapter, channel, attachment } = await sent();
      for (const id of ["no such file", "../..", "http://127.0.0.1:1/x", ""]) {
        const failure = await failureOf(adapter.download(channel, { ...attachment, id }, signal));
        expect(failure).toMatchObject({ kind: expect.stringMatching(/^(gone|refused)$/) });
      }
    });

    test("gives up when it is told to", async () => {
      const { adapter, channel, attachment } = await sent();
      const failure = await failureOf(adapter.download(channel, attachment, AbortSignal.abort()));
      expect(failure).toMatchObject({ kind: "unavailable" });
    });

    test.for(files.faults.map((fault) => [fault.name, fault] as const))("%s", async ([, fault]) => {
      const { adapter, channel, event, attachment } = await sent();
      await fault.arrange(platform, event, attachment);
      if (fault.kind === "given") {
        expect(Buffer.from(await adapter.download(channel, attachment, signal)).equals(BYTES)).toBe(true);
        return;
      }
      const failure = await failureOf(adapter.download(channel, attachment, signal));
      expect(failure).toMatchObject({ kind: fault.kind, message: expect.stringMatching(/.{10}/) });
    });
  });
}

async function failureOf(download: Promise<Uint8Array>): Promise<unknown> {
  const failure = await download.then(
    (bytes) => `it gave ${bytes.length} bytes`,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(DeliveryError);
  return failure;
}
