import { expect, test } from "vitest";
import { DeliveryError, type Files, type SendOptions } from "../../src/channel.ts";
import { SwitchboardError } from "../../src/errors.ts";
import type { Attachment, ChannelId } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { LocalChannel } from "../support/local-channel.ts";

test("messages of a channel are answered in order, one at a time; other channels run beside it", async () => {
  const bench = await Bench.open();
  for (const id of ["1", "2", "3"]) await bench.channel.say("a", id, `m${id}`);
  await bench.channel.say("b", "1", "other");
  (await bench.run("b", "other")).done();
  for (const id of ["1", "2", "3"]) {
    const run = await bench.run("a", `m${id}`);
    run.say(`answer ${id}`);
    run.done();
  }
  await bench.idle("a");
  expect(bench.channel.texts("local:a")).toEqual(["answer 1", "answer 2", "answer 3"]);
  expect(bench.agent.overlaps).toBe(0);
  expect(await bench.receipt("a", "3")).toMatchObject({ state: "answered" });
});

test("a repeated event is one message, also after it was answered and after a restart", async () => {
  const bench = await Bench.open();
  expect(await bench.channel.say("a", "1", "hello")).toEqual({ status: "queued", position: 1 });
  expect(await bench.channel.say("a", "1", "hello")).toEqual({ status: "duplicate" });
  (await bench.run("a")).done();
  await bench.idle("a");
  await bench.crash();
  expect(await bench.channel.say("a", "1", "hello")).toEqual({ status: "duplicate" });
  expect(bench.agent.began).toHaveLength(1);
});

test("the answer grows in a preview, and the final text edits that message", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "hi");
  const run = await bench.run("a");
  run.say("Hello");
  await eventually(() => {
    bench.clock.advance(1_000);
    return bench.channel.texts("local:a")[0] === "Hello";
  }, "a preview");
  run.say(", world");
  run.done();
  await bench.idle("a");
  expect(bench.channel.texts("local:a")).toEqual(["Hello, world"]);
});

test("a full queue is told to the person, and leaves a receipt", async () => {
  const bench = await Bench.open({ queue: { max: 1 } });
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.channel.say("a", "2", "two");
  expect(await bench.channel.say("a", "3", "three")).toEqual({ status: "full" });
  await bench.shows("a", /was \*\*not\*\* taken: 1 already wait/);
  expect(await bench.receipt("a", "3")).toMatchObject({ state: "dropped" });
});

test("/stop ends the turn at once, drops what waits, and nothing of the old turn appears afterwards", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  await bench.channel.say("a", "2", "two");
  run.say("half an ans");
  await bench.channel.say("a", "s", "/stop");
  run.say("wer that must not appear");
  run.done();
  await bench.shows("a", /The running answer was stopped\. 1 waiting message was dropped\./);
  await bench.channel.say("a", "3", "three");
  const next = await bench.run("a", "three");
  next.say("fresh");
  next.done();
  await bench.idle("a");
  await bench.shows("a", /^fresh$/);
  expect(bench.channel.seen.some(({ text }) => text.includes("must not appear"))).toBe(false);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "dropped", reason: "/stop by Ann" });
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "dropped" });
});

test("/stop does not wait for a run slot that another channel holds", async () => {
  const bench = await Bench.open({ pool: { maxRunning: 1 } });
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.channel.say("b", "1", "two");
  await eventually(async () => (await bench.receipt("b", "1"))?.state === "running", "b's turn waits for the slot");
  await bench.channel.say("b", "s", "/stop");
  await bench.shows("b", /The running answer was stopped/);
  expect(bench.agent.began.map(({ text }) => text)).toEqual(["one"]);
});

test("/stop turn leaves what waits", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.channel.say("a", "2", "two");
  await bench.channel.say("a", "s", "/stop turn");
  (await bench.run("a", "two")).done();
  await bench.idle("a");
  expect(await bench.receipt("a", "2")).toMatchObject({ state: "answered" });
});

test("a cancelled turn stays cancelled when the process dies before it could act on it", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  // Only the store hears of it: the process that runs the turn is as good as gone.
  await bench.store.signal(
    {
      channel: "local:a",
      id: "s",
      sender: { id: "local:ann", name: "Ann" },
      text: "/stop",
      sentAt: 0,
      addressed: true,
      direct: true,
    },
    { command: "stop", args: "", cancel: "all", reason: "/stop by Ann" },
  );
  await bench.crash();
  await bench.shows("a", /The running answer was stopped/);
  await bench.idle("a");
  expect(bench.agent.began).toHaveLength(1);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "dropped" });
});

test("a turn that a crash interrupted runs again with its attempt counted, and its preview is used again", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).say("partial");
  await eventually(() => {
    bench.clock.advance(1_000);
    return bench.channel.texts("local:a")[0] === "partial";
  }, "a preview");
  await bench.crash();
  const again = await bench.run("a", "one");
  expect(again.turn.attempt).toBe(2);
  again.say("whole");
  again.done();
  await bench.idle("a");
  expect(bench.channel.texts("local:a")).toEqual(["whole"]);
});

test("what fails is tried three times, then kept as a dead letter with its cause; the queue goes on; /retry runs it", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  await bench.channel.say("a", "2", "two");
  for (const attempt of [1, 2, 3]) {
    await eventually(() => {
      bench.clock.advance(60_000);
      return bench.agent.runs.get("local:a")?.turn.attempt === attempt;
    }, `attempt ${attempt}`);
    (await bench.run("a", "one")).fail("the disk is on fire");
  }
  (await bench.run("a", "two")).done();
  await bench.shows("a", /could not be answered after 3 attempts: the disk is on fire[\s\S]*\/retry/);
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "failed", cause: "the disk is on fire" });
  const [letter] = await bench.gateway.operations.deadLetters({ limit: 10 });
  expect(letter).toMatchObject({ id: "local:a#1", attempts: 3, cause: "the disk is on fire" });
  await bench.idle("a");
  await bench.channel.say("a", "r", "/retry");
  const again = await bench.run("a", "one");
  expect(again.turn.attempt).toBe(1);
  again.say("now it works");
  again.done();
  await bench.shows("a", /^now it works$/);
  expect(await bench.gateway.operations.deadLetters({ limit: 10 })).toEqual([]);
});

test("a failure that no repetition can mend is parked at once", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).fail("bad usage", false);
  await bench.shows("a", /could not be answered: bad usage/);
  expect(bench.agent.began).toHaveLength(1);
});

test("a message that takes the process down each time is parked after three attempts", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "poison");
  for (const attempt of [1, 2, 3]) {
    expect((await bench.run("a", "poison")).turn.attempt).toBe(attempt);
    await bench.crash();
  }
  await bench.shows("a", /interrupted 3 times/);
  expect(bench.agent.began).toHaveLength(3);
});

test("/new archives the session, cancels what runs, and the agent starts without the old state", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).done({ memory: 1 });
  await bench.idle("a");
  const before = (await bench.store.current("local:a"))?.id ?? "";
  await bench.channel.say("a", "2", "two");
  expect((await bench.run("a", "two")).state).toBeUndefined();
  await bench.channel.say("a", "n", "/new holiday plans");
  await bench.shows("a", new RegExp(`archived as \`${before}\`.*The running answer was stopped`));
  await bench.channel.say("a", "3", "three");
  expect((await bench.run("a", "three")).state).toBeUndefined();
  expect(await bench.store.get(before)).toMatchObject({ archivedAt: expect.any(Number), title: "one" });
  expect(await bench.store.current("local:a")).toMatchObject({ title: "holiday plans" });
});

test("the agent gets its state back after a restart", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).done({ memory: 7 });
  await bench.idle("a");
  await bench.crash();
  await bench.channel.say("a", "2", "two");
  expect((await bench.run("a", "two")).state).toEqual({ memory: 7 });
});

test("commands answer: /status, /why, /help; unknown ones go to the agent", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "/unheard of");
  (await bench.run("a", "/unheard of")).done();
  await bench.idle("a");
  await bench.channel.say("a", "2", "/status");
  await bench.shows("a", /agent `scripted`[\s\S]*Idle; 0 waiting[\s\S]*1 answered/);
  await bench.channel.say("a", "3", "/why", { replyTo: "1" });
  await bench.shows("a", /`1`: answered/);
  await bench.channel.say("a", "4", "/HELP");
  await bench.shows("a", /`\/new`[\s\S]*`\/stop`[\s\S]*`\/status`[\s\S]*`\/retry`[\s\S]*`\/why`[\s\S]*`\/help`/);
});

test("who is not on the list gets a receipt and no turn; a greeting in private is told whom to ask", async () => {
  const bench = await Bench.open({ access: { default: "deny", allow: ["local:bob", "local:team*"], admins: [] } });
  expect(await bench.channel.say("a", "1", "hi")).toMatchObject({ status: "refused" });
  expect(await bench.receipt("a", "1")).toMatchObject({
    state: "dropped",
    reason: "its sender is not on the access list",
  });
  expect(await bench.channel.say("a", "2", "/start")).toMatchObject({ status: "refused" });
  await bench.shows("a", /not on this bot's access list. Your id is `local:ann`/);
  expect(await bench.channel.say("a", "3", "hi", { sender: { id: "local:bob", name: "Bob" } })).toMatchObject({
    status: "queued",
  });
  expect(await bench.channel.say("team-1", "1", "hi")).toMatchObject({ status: "queued" });
  expect(await bench.channel.say("a", "4", "/stop")).toMatchObject({ status: "refused" });
});

test("overheard group talk leaves a receipt and no turn", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "lunch?", { addressed: false, direct: false });
  expect(await bench.receipt("a", "1")).toMatchObject({ state: "dropped", reason: "it was not addressed to the bot" });
  expect(bench.agent.began).toEqual([]);
});

test("collect mode runs all that waits as one turn", async () => {
  const bench = await Bench.open({ queue: { mode: "collect" } });
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.channel.say("a", "2", "two");
  await bench.channel.say("a", "3", "three");
  (await bench.run("a", "one")).done();
  (await bench.run("a", "two+three")).done();
  await bench.idle("a");
  expect(await bench.receipt("a", "3")).toMatchObject({ state: "answered" });
});

test("a /compact that was collected with other messages is not carried out, and that is said", async () => {
  const bench = await Bench.open({ queue: { mode: "collect" } });
  bench.agent.compacts = true;
  await bench.channel.say("a", "1", "one");
  await bench.run("a", "one");
  await bench.channel.say("a", "2", "two");
  await bench.channel.say("a", "c", "/compact");
  await eventually(async () => (await bench.store.queue("local:a")).waiting.length === 2, "both wait");
  (await bench.run("a", "one")).done();
  const run = await bench.run("a", "two");
  expect(run.turn).toMatchObject({ phase: "work" });
  run.say("an answer");
  run.done();
  await bench.shows("a", /`\/compact` was not carried out/);
  expect(bench.channel.texts("local:a")).toContain("an answer");
});

test("the store away: intake rejects, the turn under way commits when it is back", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  const { store } = bench;
  const commit = store.commitTurn.bind(store);
  let refusals = 2;
  store.commitTurn = async (...args) => {
    if (refusals-- > 0) throw new SwitchboardError("STORE_FULL", "no space left");
    return await commit(...args);
  };
  run.say("kept");
  run.done();
  await eventually(() => {
    bench.clock.advance(5_000);
    return bench.channel.texts("local:a").includes("kept");
  }, "the answer");
  expect(bench.events.filter(({ type }) => type === "store.fault")).toHaveLength(2);
  expect(bench.agent.began).toHaveLength(1);
});

test("a 429 delays the answer, a lost reply to an edit repeats nothing, a refusal is parked without blocking the next", async () => {
  const bench = await Bench.open();
  const calls: string[] = [];
  let limited = true;
  bench.channel.fault = (call, _, text) => {
    calls.push(`${call} ${text}`);
    if (call === "edit" && limited) {
      limited = false;
      throw new DeliveryError("limited", "Too Many Requests", { retryAfter: 3_000 });
    }
    if (text === "two") throw new DeliveryError("refused", "blocked");
  };
  let lost = true;
  bench.channel.faultAfter = (call) => {
    if (call === "edit" && lost) {
      lost = false;
      throw new DeliveryError("unknown", "connection lost");
    }
  };
  for (const text of ["one", "two", "three"]) {
    await bench.channel.say("a", text, text);
    const run = await bench.run("a", text);
    run.say(text);
    run.done();
  }
  await eventually(() => {
    bench.clock.advance(5_000);
    return bench.channel.texts("local:a").includes("three");
  }, "all delivered");
  await bench.idle("a");
  expect(bench.channel.texts("local:a").filter((text) => text === "one")).toHaveLength(1);
  expect(calls.filter((call) => call === "edit two")).toHaveLength(1);
});

test("a reply that fails again and again is parked at last, and does not block the next; 429s don't count", async () => {
  const bench = await Bench.open();
  let limited = 150;
  bench.channel.fault = (_, __, text) => {
    if (text !== "one") return;
    if (limited-- > 0) throw new DeliveryError("limited", "Too Many Requests", { retryAfter: 1 });
    throw new DeliveryError("unavailable", "500 for this text");
  };
  for (const text of ["one", "two"]) {
    await bench.channel.say("a", text, text);
    const run = await bench.run("a", text);
    run.say(text);
    run.done();
  }
  await eventually(() => {
    bench.clock.advance(60_000);
    return bench.channel.texts("local:a").includes("two");
  }, "the next is delivered");
  await bench.idle("a");
  expect(limited).toBeLessThan(0);
  expect(await bench.gateway.operations.deadLetters({ limit: 9 })).toMatchObject([
    { reply: { text: "one" }, cause: "500 for this text", attempts: 100 },
  ]);
});

test("a notice that may stand already is repeated with a mark, never in silence", async () => {
  const bench = await Bench.open();
  let lost = true;
  bench.channel.faultAfter = (call, _, text) => {
    if (call === "send" && lost && text.includes("Nothing is running")) {
      lost = false;
      throw new DeliveryError("unknown", "connection lost");
    }
  };
  await bench.channel.say("a", "s", "/stop");
  await eventually(() => {
    bench.clock.advance(5_000);
    return bench.channel.texts("local:a").length === 2;
  }, "the repetition");
  expect(bench.channel.texts("local:a")[1]).toMatch(/Nothing is running[\s\S]*\(may repeat\)/);
});

/** A platform where it can be seen what was sent with a key. */
class SearchableChannel extends LocalChannel {
  readonly #keys = new Map<string, string>();
  lookups = 0;

  override async send(channel: ChannelId, text: string, options: SendOptions): Promise<string> {
    const ref = await super.send(channel, text, options).catch((error: unknown) => {
      const shown = this.messages(channel).at(-1);
      if (error instanceof DeliveryError && error.kind === "unknown" && shown) this.#keys.set(options.key, shown.ref);
      throw error;
    });
    this.#keys.set(options.key, ref);
    return ref;
  }

  async lookup(_: ChannelId, key: string): Promise<string | undefined> {
    this.lookups += 1;
    return this.#keys.get(key);
  }
}

for (const stands of [true, false]) {
  test(`a send in doubt is looked for and ${stands ? "not repeated: it stands" : "repeated: it does not"}`, async () => {
    const channel = new SearchableChannel();
    const bench = await Bench.open({}, channel);
    let lost = true;
    const lose = (_call: string, _channel: ChannelId, text: string) => {
      if (!lost || !text.includes("Nothing is running")) return;
      lost = false;
      throw new DeliveryError("unknown", "connection lost");
    };
    if (stands) channel.faultAfter = lose;
    else channel.fault = lose;
    await channel.say("a", "s", "/stop");
    await eventually(() => !lost, "the connection is lost");
    await bench.crash();
    await bench.idle("a");
    expect(channel.texts("local:a")).toEqual([expect.stringMatching(/^Nothing is running(?![\s\S]*repeat)/)]);
    expect(channel.lookups).toBe(1);
  });
}

test("a placeholder whose reference got lost in a crash is found, and becomes the answer", async () => {
  const channel = new SearchableChannel();
  const bench = await Bench.open({}, channel);
  await channel.say("a", "1", "hello");
  const run = await bench.run("a");
  channel.faultAfter = (call) => {
    if (call === "send") throw new DeliveryError("unknown", "the process dies here");
  };
  run.say("growing");
  await eventually(() => {
    bench.clock.advance(1_000);
    return channel.texts("local:a").length === 1;
  }, "the placeholder");
  channel.faultAfter = undefined;
  await bench.crash();
  const again = await bench.run("a");
  again.say("done");
  again.done();
  await bench.idle("a");
  expect(channel.texts("local:a")).toEqual(["done"]);
});

test("a long answer arrives in parts, in order, each once", async () => {
  const bench = await Bench.open({}, new LocalChannel({ maxTextLength: 10 }));
  await bench.channel.say("a", "1", "go");
  const run = await bench.run("a");
  run.say("0123456789abcdefghijKLM");
  run.done();
  await bench.idle("a");
  expect(bench.channel.texts("local:a")).toEqual(["0123456789", "abcdefghij", "KLM"]);
});

test("what is written behind /new runs in the new session, also where both wait at a restart", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).done({ memory: "old" });
  await bench.idle("a");
  const old = (await bench.store.current("local:a"))?.id;
  await bench.store.close();
  // Both arrive while no gateway works on the channel.
  const store = await bench.reopen();
  const arrive = {
    channel: "local:a",
    sender: { id: "local:ann", name: "Ann" },
    sentAt: 0,
    addressed: true,
    direct: true,
  } as const;
  await store.signal({ ...arrive, id: "n", text: "/new" }, { command: "new", args: "", cancel: "all", reason: "/new" });
  await store.accept({ ...arrive, id: "2", text: "two" }, { max: 10, fullNotice: "full" });
  await bench.crash();
  const run = await bench.run("a", "two");
  expect(run.state).toBeUndefined();
  run.say("fresh");
  run.done();
  await bench.idle("a");
  const current = await bench.store.current("local:a");
  expect(current?.id).not.toBe(old);
  const said = await bench.store.transcript(current?.id ?? "", { limit: 10 });
  expect(said.entries.map(({ text }) => text)).toEqual(["two", "fresh"]);
});

test("/stop in the very moment in which the next turn is claimed stops that turn, and nothing of it is shown", async () => {
  for (let round = 0; round < 20; round++) {
    const bench = await Bench.open();
    await bench.channel.say("a", "1", "one");
    const run = await bench.run("a", "one");
    await bench.channel.say("a", "2", "two");
    run.say("first");
    run.done();
    await bench.channel.say("a", "s", "/stop");
    await bench.shows("a", /was stopped|was dropped|Nothing is running/);
    const next = bench.agent.runs.get("local:a");
    next?.say("must not appear");
    next?.done();
    await bench.idle("a");
    expect(bench.channel.seen.some(({ text }) => text.includes("must not appear"))).toBe(false);
    expect((await bench.receipt("a", "2"))?.state).toBe("dropped");
    await bench.close();
  }
});

test("an agent that takes for ever to open holds up neither /stop nor the commands behind it, and is closed when it opens", async () => {
  const bench = await Bench.open();
  const open = bench.agent.open.bind(bench.agent);
  let letOpen = () => {};
  bench.agent.open = async (options) => {
    await new Promise<void>((resolve) => {
      letOpen = resolve;
    });
    return await open(options);
  };
  await bench.channel.say("a", "1", "one");
  await eventually(async () => (await bench.receipt("a", "1"))?.state === "running", "it opens");
  await bench.channel.say("a", "s", "/stop");
  await bench.shows("a", /The running answer was stopped/);
  await bench.channel.say("a", "h", "/help");
  await bench.shows("a", /`\/new`/);
  letOpen();
  await eventually(() => bench.agent.closed === 1, "closed");
});

test("an agent that throws instead of running has failed, and is tried again", async () => {
  const bench = await Bench.open({
    agents: {
      broken: {
        open: async () => ({
          run() {
            throw new Error("broken from the start");
          },
          close: async () => {},
        }),
      },
    },
    queue: { attempts: 1 },
  });
  await bench.channel.say("a", "1", "one");
  await bench.shows("a", /could not be answered: broken from the start/);
});

test("an answer that never ends is ended", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  run.say("x".repeat(1_000_001));
  await bench.shows("a", /the answer grew beyond 1,000,000 characters/);
  expect(bench.channel.seen.every(({ text }) => !text.startsWith("xx"))).toBe(true);
});

test("a hint that finds nothing leaves the outbox in order", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  const run = await bench.run("a", "one");
  bench.hint({ channel: "local:a", kind: "outbox" });
  run.say("the answer");
  run.done();
  await bench.shows("a", /^the answer$/);
});

test("an operator who cancels an archived session does not stop the current one", async () => {
  const bench = await Bench.open();
  await bench.channel.say("a", "1", "one");
  (await bench.run("a", "one")).done();
  await bench.idle("a");
  const old = (await bench.store.current("local:a"))?.id ?? "";
  await bench.channel.say("a", "n", "/new");
  await bench.channel.say("a", "2", "two");
  const run = await bench.run("a", "two");
  expect(await bench.gateway.operations.cancel(old, "operator")).toEqual({ cancelledTurn: null, dropped: 0 });
  expect(run.aborted).toBe(false);
});

test("an agent reads a file that came with a message, from the platform and when it wants", async () => {
  class WithFiles extends LocalChannel implements Files {
    async download(_: ChannelId, file: Attachment): Promise<Uint8Array> {
      if (file.id !== "f1") throw new DeliveryError("gone", "it was deleted");
      return new TextEncoder().encode("bytes");
    }
  }
  const bench = await Bench.open({}, new WithFiles());
  const file = { id: "f1", name: "a.txt", type: "text/plain", size: 5 };
  await bench.channel.say("a", "1", "[file: a.txt]", { files: [file] });
  await bench.crash();
  const { turn } = await bench.run("a");
  expect(turn.messages[0]?.files).toEqual([file]);
  expect(new TextDecoder().decode(await turn.read(file))).toBe("bytes");
  await expect(turn.read({ ...file, id: "f2" })).rejects.toThrow("it was deleted");
});
