import { expect, test } from "vitest";
import { DeliveryError, type History, type Intake } from "../../src/channel.ts";
import { type ChannelId, channelId, type InboundEvent } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { LocalChannel } from "../support/local-channel.ts";

const HOUR = 3_600_000;

/** A platform that keeps what was said, also while nobody listened. */
class RememberingChannel extends LocalChannel implements History {
  readonly past: InboundEvent[] = [];
  readonly reads: { channel: ChannelId; after: number }[] = [];
  refuses: DeliveryError | undefined;
  opened: Promise<void> | undefined;
  #intake: Intake | undefined;

  override async start(intake: Intake): Promise<void> {
    await super.start(intake);
    this.#intake = intake;
    intake.missed(this.name);
  }

  gap(): void {
    this.#intake?.missed(this.name);
  }

  remember(chat: string, id: string, sentAt: number): void {
    const sender = { id: "local:ann", name: "Ann" };
    this.past.push({ channel: channelId("local", chat), id, sender, text: id, sentAt, addressed: true, direct: true });
  }

  async history(channel: ChannelId, after: number, limit: number): Promise<InboundEvent[]> {
    this.reads.push({ channel, after });
    if (this.refuses) throw this.refuses;
    await this.opened;
    return this.past.filter((event) => event.channel === channel && event.sentAt > after).slice(0, limit);
  }
}

async function answer(bench: Bench, chat: string, id: string): Promise<void> {
  const run = await bench.run(chat, id);
  run.say(`answer to ${id}`);
  run.done();
  await bench.idle(chat);
}

function answers(bench: Bench, chat: string): string[] {
  return bench.channel.texts(channelId("local", chat)).filter((text) => text.startsWith("answer to"));
}

test("what was said while nobody listened is answered in order, what was answered is not, and the receipt tells", async () => {
  const channel = new RememberingChannel();
  const bench = await Bench.open({}, channel);
  const now = bench.clock.now();
  channel.remember("a", "1", now);
  await channel.say("a", "1", "1", { sentAt: now });
  await answer(bench, "a", "1");
  await bench.store.close();
  for (const [index, id] of ["2", "3"].entries()) channel.remember("a", id, now + 1_000 * (index + 1));
  bench.clock.advance(2 * HOUR);
  await bench.start();
  const run = await bench.run("a", "2");
  run.say("answer to 2");
  run.done();
  await answer(bench, "a", "3");
  expect(answers(bench, "a")).toEqual(["answer to 1", "answer to 2", "answer to 3"]);
  expect(await bench.store.receipt("local:a", "1")).not.toHaveProperty("caughtUp");
  expect(await bench.store.receipt("local:a", "2")).toMatchObject({ receipt: { state: "answered" }, caughtUp: true });
});

test("nothing older than `catchUp` is answered, and nothing is read twice for one gap", async () => {
  const channel = new RememberingChannel();
  const bench = await Bench.open({ catchUp: HOUR }, channel);
  await channel.say("a", "1", "1");
  await answer(bench, "a", "1");
  const began = bench.clock.now();
  channel.remember("a", "ancient", began + 1_000);
  bench.clock.advance(HOUR + 60_000);
  channel.remember("a", "recent", bench.clock.now() - 1_000);
  await channel.say("a", "2", "2");
  await answer(bench, "a", "2");
  channel.reads.length = 0;
  channel.gap();
  await answer(bench, "a", "recent");
  expect(channel.reads).toHaveLength(1);
  expect(answers(bench, "a")).toEqual(["answer to 1", "answer to 2", "answer to recent"]);
  expect(await bench.receipt("a", "ancient")).toBeUndefined();
});

test("what comes while older talk is still to be read waits behind it; other channels don't", async () => {
  const channel = new RememberingChannel();
  const bench = await Bench.open({}, channel);
  for (const chat of ["a", "b"]) {
    await channel.say(chat, "1", "1");
    await answer(bench, chat, "1");
  }
  let open = () => {};
  channel.opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  channel.remember("a", "2", bench.clock.now() + 1);
  channel.gap();
  const late = channel.say("a", "3", "3");
  expect(await channel.say("c", "1", "1")).toMatchObject({ status: "queued" });
  await answer(bench, "c", "1");
  expect((await bench.store.queue("local:a")).waiting).toEqual([]);
  open();
  await late;
  const run = await bench.run("a", "2");
  run.say("answer to 2");
  run.done();
  await answer(bench, "a", "3");
  expect(answers(bench, "a")).toEqual(["answer to 1", "answer to 2", "answer to 3"]);
});

test("what was missed during a long turn is found after its end, and a platform that is away is asked again", async () => {
  const channel = new RememberingChannel();
  const bench = await Bench.open({}, channel);
  await channel.say("a", "1", "1", { sentAt: bench.clock.now() });
  const long = await bench.run("a", "1");
  channel.remember("a", "missed", bench.clock.now() + 1_000);
  bench.clock.advance(3 * HOUR);
  long.say("answer to 1");
  long.done();
  await bench.idle("a");
  channel.refuses = new DeliveryError("unavailable", "502");
  channel.gap();
  await eventually(() => channel.reads.length === 1, "a try");
  channel.refuses = undefined;
  await eventually(() => {
    bench.clock.advance(1_000);
    return channel.reads.length > 1;
  }, "another try");
  await answer(bench, "a", "missed");
});

test("a channel whose history can't be read does not keep the others from it", async () => {
  const channel = new RememberingChannel();
  const bench = await Bench.open({}, channel);
  for (const chat of ["a", "b"]) {
    await channel.say(chat, "1", "1");
    await answer(bench, chat, "1");
  }
  channel.refuses = new DeliveryError("refused", "the bot was removed");
  channel.gap();
  await eventually(() => channel.reads.length === 2, "both were tried");
  await eventually(() => bench.events.filter(({ type }) => type === "fault").length === 2, "both are told");
  channel.refuses = undefined;
  channel.remember("b", "2", bench.clock.now());
  channel.gap();
  await answer(bench, "b", "2");
});

test("a long gap is read page by page, up to a bound", async () => {
  const channel = new RememberingChannel();
  const bench = await Bench.open({ queue: { max: 10_000 } }, channel);
  await channel.say("a", "0", "0");
  await answer(bench, "a", "0");
  for (let index = 1; index <= 900; index += 1) channel.remember("a", `m${index}`, bench.clock.now() + index);
  channel.gap();
  await eventually(async () => (await bench.store.stats()).queued >= 499, "many are taken");
  await eventually(() => channel.reads.length === 5, "five pages");
  await eventually(async () => (await bench.store.stats()).queued === 499, "and no more");
});
