import fc from "fast-check";
import { expect, test } from "vitest";
import type { Receipt } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";

/**
 * Random talk, duplicates, cancels, failures, crashes, evictions and restores, against a model of one page: what
 * waits, what runs, and what became of each message. The store is the real one; time and the agent are in the test's hand.
 */
const CHATS = ["a", "b", "c"] as const;
type Chat = (typeof CHATS)[number];
const ATTEMPTS = 3;
const MAX = 4;

interface Talk {
  waiting: string[];
  running: { id: string; attempt: number } | undefined;
  fates: Map<string, Receipt["state"]>;
  answered: string[];
  dead: string[];
  sessions: number;
}

class Model {
  readonly talks = new Map<Chat, Talk>(
    CHATS.map((chat) => [
      chat,
      { waiting: [], running: undefined, fates: new Map(), answered: [], dead: [], sessions: 0 },
    ]),
  );
  ids = 0;

  talk(chat: Chat): Talk {
    const talk = this.talks.get(chat);
    if (!talk) throw new Error(chat);
    return talk;
  }

  next(talk: Talk): void {
    const id = talk.waiting.shift();
    talk.running = id === undefined ? undefined : { id, attempt: 1 };
    if (id !== undefined) talk.fates.set(id, "running");
  }

  end(talk: Talk, state: "answered" | "failed" | "dropped"): void {
    if (!talk.running) return;
    const { id } = talk.running;
    talk.fates.set(id, state);
    if (state === "answered") talk.answered.push(id);
    if (state === "failed") talk.dead.push(id);
    this.next(talk);
  }
}

/** Waits until each chat's agent is where the model says, then compares everything a person or operator can see. */
async function agree(model: Model, bench: Bench): Promise<void> {
  for (const chat of CHATS) {
    const talk = model.talk(chat);
    const expected = talk.running ? `${talk.running.id}/${talk.running.attempt}` : "idle";
    const actual = () => {
      const run = bench.agent.runs.get(`local:${chat}`);
      return run && !run.aborted ? `${run.turn.messages[0]?.id}/${run.turn.attempt}` : "idle";
    };
    await eventually(
      async () => {
        if (actual() !== expected) return false;
        const { running, waiting } = await bench.store.queue(`local:${chat}`);
        return (running?.messages[0]?.id ?? "") === (talk.running?.id ?? "") && waiting.length === talk.waiting.length;
      },
      () => `${chat}: the model has ${expected}, the gateway ${actual()}`,
    );
    const { waiting } = await bench.store.queue(`local:${chat}`);
    expect(waiting.map(({ id }) => id)).toEqual(talk.waiting);
    for (const [id, state] of talk.fates) {
      expect((await bench.store.receipt(`local:${chat}`, id))?.receipt.state, `${chat} ${id}`).toBe(state);
    }
  }
}

type Step = fc.AsyncCommand<Model, Bench>;

function step(
  name: string,
  run: (model: Model, bench: Bench) => Promise<void>,
  check: (model: Model) => boolean = () => true,
): Step {
  return {
    check,
    async run(model, bench) {
      await run(model, bench);
      await agree(model, bench);
    },
    toString: () => name,
  };
}

const say = (chat: Chat) =>
  step(`say(${chat})`, async (model, bench) => {
    const talk = model.talk(chat);
    const id = `m${++model.ids}`;
    const taken = await bench.channel.say(chat, id, `text ${id}`);
    if (talk.running && talk.waiting.length >= MAX) {
      expect(taken.status).toBe("full");
      talk.fates.set(id, "dropped");
      return;
    }
    expect(taken).toEqual({ status: "queued", position: talk.waiting.length + 1 });
    talk.waiting.push(id);
    talk.fates.set(id, "queued");
    if (!talk.running) model.next(talk);
  });

const repeat = (chat: Chat, pick: number) =>
  step(
    `repeat(${chat})`,
    async (model, bench) => {
      const ids = [...model.talk(chat).fates.keys()];
      const id = ids[pick % ids.length] ?? "";
      expect(await bench.channel.say(chat, id, `text ${id}`)).toEqual({ status: "duplicate" });
    },
    (model) => model.talk(chat).fates.size > 0,
  );

const answer = (chat: Chat) =>
  step(
    `answer(${chat})`,
    async (model, bench) => {
      const talk = model.talk(chat);
      const run = await bench.run(chat);
      run.say(`answer to ${talk.running?.id}`);
      run.done();
      model.end(talk, "answered");
    },
    (model) => model.talk(chat).running !== undefined,
  );

const fail = (chat: Chat, retryable: boolean) =>
  step(
    `fail(${chat}, ${retryable})`,
    async (model, bench) => {
      const talk = model.talk(chat);
      const { running } = talk;
      (await bench.run(chat)).fail("no luck", retryable);
      if (!running) return;
      if (retryable && running.attempt < ATTEMPTS) {
        running.attempt += 1;
        const key = `local:${chat}` as const;
        await eventually(() => {
          bench.clock.advance(1_000);
          return bench.agent.runs.get(key)?.turn.attempt === running.attempt;
        }, `${chat}: attempt ${running.attempt}`);
      } else {
        model.end(talk, "failed");
      }
    },
    (model) => model.talk(chat).running !== undefined,
  );

const stop = (chat: Chat) =>
  step(`stop(${chat})`, async (model, bench) => {
    const talk = model.talk(chat);
    await bench.channel.say(chat, `s${++model.ids}`, "/stop");
    for (const id of talk.waiting.splice(0)) talk.fates.set(id, "dropped");
    model.end(talk, "dropped");
  });

const renew = (chat: Chat) =>
  step(`new(${chat})`, async (model, bench) => {
    const talk = model.talk(chat);
    const before = (await bench.store.current(`local:${chat}`))?.id;
    await bench.channel.say(chat, `n${++model.ids}`, "/new");
    for (const id of talk.waiting.splice(0)) talk.fates.set(id, "dropped");
    model.end(talk, "dropped");
    await eventually(async () => {
      const after = (await bench.store.current(`local:${chat}`))?.id;
      return after !== undefined && after !== before;
    }, `${chat}: a new session`);
  });

const retry = (chat: Chat) =>
  step(
    `retry(${chat})`,
    async (model, bench) => {
      const talk = model.talk(chat);
      const [newest] = await bench.gateway.operations.deadLetters({ channel: `local:${chat}`, limit: 1 });
      const id = newest?.message?.id ?? "";
      expect(talk.dead).toContain(id);
      talk.dead = talk.dead.filter((other) => other !== id);
      await bench.channel.say(chat, `r${++model.ids}`, "/retry");
      talk.waiting.push(id);
      talk.fates.set(id, "queued");
      if (!talk.running) model.next(talk);
    },
    (model) => model.talk(chat).dead.length > 0,
  );

/** Each turn in flight runs again, one attempt further; the last attempt is the last. */
const crash = () =>
  step("crash", async (model, bench) => {
    await bench.crash();
    for (const talk of model.talks.values()) {
      if (!talk.running) continue;
      talk.running.attempt += 1;
      if (talk.running.attempt > ATTEMPTS) model.end(talk, "failed");
    }
  });

/** An orderly restart puts turns back without counting the attempt. */
const restart = () =>
  step("restart", async (_, bench) => {
    await bench.gateway.stop();
    await bench.crash();
  });

/** Idle sessions are put away after their time-out; running ones stay. */
const rest = () =>
  step("rest", async (model, bench) => {
    await eventually(async () => (await bench.store.stats()).undelivered === 0, "all delivered");
    const busy = [...model.talks.values()].filter(({ running }) => running).length;
    await eventually(async () => {
      bench.clock.advance(4_000);
      return (await bench.gateway.operations.stats()).live === busy;
    }, "the idle ones put away");
  });

const chat = fc.constantFrom(...CHATS);

test("inbox and session do what the model says", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands(
        [
          chat.map(say),
          chat.map(say),
          chat.map(answer),
          chat.map(answer),
          fc.tuple(chat, fc.nat(20)).map(([name, pick]) => repeat(name, pick)),
          fc.tuple(chat, fc.boolean()).map(([name, retryable]) => fail(name, retryable)),
          chat.map(stop),
          chat.map(renew),
          chat.map(retry),
          fc.constant(crash()),
          fc.constant(restart()),
          fc.constant(rest()),
        ],
        { maxCommands: 30 },
      ),
      async (commands) => {
        const bench = await Bench.open({ queue: { max: MAX, attempts: ATTEMPTS }, pool: { idleTimeout: 60_000 } });
        const model = new Model();
        await fc.asyncModelRun(() => ({ model, real: bench }), commands);
        // Whatever is left is answered in the end.
        for (const name of CHATS) {
          const talk = model.talk(name);
          while (talk.running) await answer(name).run(model, bench);
          await bench.idle(name);
          const answers = bench.channel.texts(`local:${name}`).filter((text) => text.startsWith("answer to"));
          expect(answers).toEqual(talk.answered.map((id) => `answer to ${id}`));
        }
        expect(bench.agent.overlaps).toBe(0);
        expect(bench.events.filter(({ type }) => type === "fault")).toEqual([]);
        await bench.close();
      },
    ),
    { numRuns: Number(process.env.MODEL_RUNS ?? 200), endOnFailure: true },
  );
}, 120_000);
