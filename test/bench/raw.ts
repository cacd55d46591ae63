/** What the machine and LMDB could do if there were no gateway: the limits that everything is measured against. */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import type { Figures } from "./benchmark.ts";
import { temporaryFolder } from "./folders.ts";
import { closedLoop, Latencies, measured } from "./load.ts";

/** 216 bytes as JSON: a short message with its sender. */
const RECORD = { id: "1718000000.000100", sender: { id: "null:42", name: "Ann" }, text: "x".repeat(142) };

/** Appends 256 bytes and waits until they are on disk, again and again. */
export async function appendAndSync(times: number): Promise<Figures> {
  const file = openSync(join(temporaryFolder(), "log"), "a");
  const bytes = Buffer.alloc(256, "x");
  const latencies = new Latencies();
  for (let i = 0; i < times; i += 1) {
    const began = performance.now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    latencies.since(began);
  }
  closeSync(file);
  const { p50, p99 } = latencies.figures();
  return { perSecond: 1e6 / p50, p50, p99 };
}

/** One durable put per message, each key behind the last. */
export async function rawPut(total: number, concurrency: number): Promise<Figures> {
  const database = open<unknown, string>({ path: temporaryFolder(), encoding: "json" });
  return await measureDatabase(database, total, concurrency, async (index) => {
    await database.put(`inbox/${inOrder(index)}`, RECORD);
  });
}

/** Two transactions per message: it and its id are put (accept), then it is removed and its end noted (ack). */
export async function rawPair(
  total: number,
  concurrency: number,
  place: (index: number) => string = inOrder,
): Promise<Figures> {
  const database = open<unknown, string>({ path: temporaryFolder(), encoding: "json" });
  return await measureDatabase(database, total, concurrency, async (index) => {
    const key = place(index);
    await database.batch(() => {
      database.put(`seen/${key}`, 1);
      database.put(`inbox/${key}`, RECORD);
    });
    await database.batch(() => {
      database.remove(`inbox/${key}`);
      database.put(`seen/${key}`, 2);
    });
  });
}

function inOrder(index: number): string {
  return String(index).padStart(9, "0");
}

/** As a store must place them that keeps together what belongs to a channel: messages in flight share no page. */
export function byChannel(channels: number): (index: number) => string {
  return (index) => `web:${index % channels}/${inOrder(index)}`;
}

async function measureDatabase(
  database: { close(): Promise<void> },
  total: number,
  concurrency: number,
  one: (index: number) => Promise<void>,
): Promise<Figures> {
  const latencies = new Latencies();
  const timed = async (index: number) => {
    const began = performance.now();
    await one(index);
    latencies.since(began);
  };
  const warmUp = Math.ceil(total / 10);
  await closedLoop(warmUp, concurrency, timed);
  latencies.clear();
  const figures = await measured(total, () => closedLoop(total, concurrency, (index) => timed(warmUp + index)));
  await database.close();
  return { ...figures, ...latencies.figures() };
}
