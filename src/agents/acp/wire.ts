/**
 * The messages between the gateway and an agent's process, a line each.
 *
 * It stands between the process and the SDK, because the SDK reads as fast as the process writes, answers each line
 * that is no message with an error, checks updates against the kinds that it knows, and prints to the gateway's own
 * output what fits nothing. Here, no more is read than was taken, and notifications go past the SDK, in order with
 * all else, so that those of later versions arrive too.
 */
import type { Writable } from "node:stream";
import type { AnyMessage, Stream } from "@agentclientprotocol/sdk";
import { z } from "zod";

export interface WireOptions {
  readonly stdin: Writable;
  readonly stdout: AsyncIterable<Buffer>;
  /** Nothing more is read until it has resolved. */
  notification(method: string, params: unknown): void | Promise<void>;
  /** A line that is no message. */
  stray(line: string): void;
}

/** Bytes. A longer line is no message but a program that got out of hand. */
const LONGEST_MESSAGE = 32 * 1024 * 1024;
/** Characters of a stray line that are kept. */
const LONGEST_STRAY = 2_000;

/** The one notification that the SDK is for: it takes back a request. */
const CANCEL_REQUEST = "$/cancel_request";

const id = z.union([z.string(), z.number(), z.null()]);
const shape = z.looseObject({ jsonrpc: z.literal("2.0"), id: id.optional(), method: z.string().optional() });
const anyMessage = z.custom<AnyMessage>((value) => shape.safeParse(value).success);

export class MessageTooLong extends Error {}

export function wireOf(options: WireOptions): Stream {
  const awaited = new Set<unknown>();
  return { readable: ReadableStream.from(messagesIn(options, awaited)), writable: messagesTo(options.stdin, awaited) };
}

async function* messagesIn(
  { stdout, notification, stray }: WireOptions,
  awaited: Set<unknown>,
): AsyncGenerator<AnyMessage> {
  for await (const line of linesOf(stdout)) {
    const { success, data: message } = anyMessage.safeParse(parsed(line));
    if (!success) {
      if (line.trim() !== "") stray(line.slice(0, LONGEST_STRAY));
    } else if ("method" in message && !("id" in message) && message.method !== CANCEL_REQUEST) {
      await notification(message.method, message.params);
    } else if (!("method" in message) && !awaited.delete(message.id)) {
      // An answer to nothing that was asked: the SDK would print it.
      stray(line.slice(0, LONGEST_STRAY));
    } else {
      yield message;
    }
  }
}

function messagesTo(stdin: Writable, awaited: Set<unknown>): WritableStream<AnyMessage> {
  return new WritableStream({
    write: (sent) =>
      new Promise((resolve, reject) => {
        if ("method" in sent && "id" in sent) awaited.add(sent.id);
        stdin.write(`${JSON.stringify(sent)}\n`, (error) => (error ? reject(error) : resolve()));
      }),
  });
}

async function* linesOf(stdout: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdout) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, end)]).toString("utf8");
      [begun, size, from] = [[], 0, end + 1];
    }
    if (from === chunk.length) continue;
    begun.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > LONGEST_MESSAGE) throw new MessageTooLong(`one of its messages is longer than ${LONGEST_MESSAGE} bytes`);
  }
}

const NEWLINE = 0x0a;

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // It is no message.
  }
}
