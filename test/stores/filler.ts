/**
 * A process that fills the disk under a store, frees some of it, and goes on. It prints one JSON object with what
 * it saw. Arguments: a folder on a small file system of its own.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SwitchboardError } from "../../src/errors.ts";
import type { ChannelId } from "../../src/model.ts";
import type { Store } from "../../src/store.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";

const CHANNEL: ChannelId = "web:1";
const [path = ""] = process.argv.slice(2);
const folder = join(path, "store");
const ballast = join(path, "ballast");
const accepted: string[] = [];

function open(at: string): Promise<Store> {
  return openLmdbStore({ path: at, clock: { now: Date.now, after: () => () => {} }, dedupeFor: 3_600_000 });
}

/** The code of the error, or "queued". */
async function accept(store: Store, id: string): Promise<string> {
  const sender = { id: "web:1", name: "Ann" };
  const event = { channel: CHANNEL, id, sender, text: id.repeat(4_000), sentAt: 1, addressed: true, direct: true };
  try {
    const { status } = await store.accept(event, { max: 100_000, fullNotice: "" });
    if (status === "queued") accepted.push(id);
    return status;
  } catch (error) {
    return error instanceof SwitchboardError ? error.code : String(error);
  }
}

async function waiting(store: Store): Promise<string[]> {
  return (await store.queue(CHANNEL)).waiting.map(({ id }) => id);
}

writeFileSync(ballast, Buffer.alloc(4_000_000));
const store = await open(folder);
const failures = new Set<string>();
for (let group = 0; failures.size === 0 && group < 10_000; group += 1) {
  const ids = Array.from({ length: 8 }, (_, index) => `${group}.${index}`);
  const results = await Promise.all(ids.map((id) => accept(store, id)));
  for (const result of results) if (result !== "queued") failures.add(result);
}
// To the last byte: whatever is still free goes, and even small writes fail.
try {
  for (let index = 0; ; index += 1) writeFileSync(join(path, `rest${index}`), Buffer.alloc(4_096));
} catch {
  // Full.
}
for (let index = 0; index < 300; index += 1) {
  const result = await accept(store, `small ${index}`);
  if (result !== "queued") failures.add(result);
}
const acceptedWhenFull = [...accepted];
const waitingWhenFull = await waiting(store);
const { queued: queuedWhenFull } = await store.stats();
const openingWhenFull = await open(join(path, "another")).then(
  () => "opened",
  (error: unknown) => (error instanceof SwitchboardError ? error.code : String(error)),
);
rmSync(ballast);
const afterwards = await accept(store, "afterwards");
await store.close();
const reopened = await open(folder);
const report = {
  failures: [...failures],
  acceptedWhenFull,
  waitingWhenFull,
  queuedWhenFull,
  openingWhenFull,
  afterwards,
  accepted,
  waitingInTheEnd: await waiting(reopened),
};
await reopened.close();
process.stdout.write(JSON.stringify(report));
