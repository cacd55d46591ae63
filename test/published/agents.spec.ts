/** What the gateway needs of an agent, shown with agents as others publish them. `npm run test:published`. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { AgentSession, AskOutcome, OpenOptions } from "../../src/agent.ts";
import type { AgentEvent, Json } from "../../src/model.ts";
import { failureIn, noticesIn, stateIn } from "../agents/acp/harness.ts";
import { collect, People, textOf, turnOf } from "../conformance/agent.ts";
import { AGENTS } from "./agents.ts";
import { modelsAsked } from "./replies.ts";
import { PublishedStage } from "./stage.ts";

const by = { id: "test:eve", name: "Eve" };
const MINUTE = 60_000;
const ONCE: AskOutcome = { kind: "approved", scope: "once", by };
const NO: AskOutcome = { kind: "rejected", by };

for (const published of AGENTS) {
  describe(published.preset, () => {
    let stage: PublishedStage;
    let session: AgentSession;
    beforeAll(async () => {
      stage = await PublishedStage.open(published);
      session = await stage.open();
    });
    afterAll(() => stage?.close());

    const allowing = () => new People(() => ONCE);
    const writing = (file: string, word: string) => published.write(stage.path(file), word);
    const said = async (text: string) => textOf(await collect(session, text));
    const spare = async () => {
      const own = await PublishedStage.open(published);
      onTestFinished(() => own.close());
      return own;
    };

    test("streams its answer, whole and in pieces", async () => {
      const events = await collect(session, "[[large 2000]]");
      expect(events.at(-1)?.type).toBe("done");
      expect(textOf(events).length).toBeGreaterThanOrEqual(2_000);
      expect(events.filter(({ type }) => type === "text").length).toBeGreaterThan(1);
      expect(events).toContainEqual(expect.objectContaining({ type: "usage", tokensIn: expect.toSatisfy(isPositive) }));
    });

    test("does what is allowed, and tells of the tool", async () => {
      const people = allowing();
      const events = await collect(session, writing("allowed.txt", "oak"), { people });
      expect(people.asked).toEqual([expect.objectContaining({ kind: "permission" })]);
      expect(stage.written("allowed.txt")).toBe("oak");
      expect(events.filter(({ type }) => type === "tool").at(-1)).toMatchObject({ status: "done" });
      expect(events.at(-1)?.type).toBe("done");
    });

    test("does not do what is rejected, and goes on with the next turn", async () => {
      const people = new People(() => NO);
      const events = await collect(session, writing("rejected.txt", "elm"), { people });
      expect(people.asked).toHaveLength(1);
      expect(events.at(-1)?.type).toBe("done");
      expect(stage.written("rejected.txt")).toBeUndefined();
      expect(await said("[[say after the no]]")).toBe("after the no");
    });

    test("is told why something was rejected", async () => {
      const people = new People(() => ({ ...NO, reason: "paper is dear" }));
      await collect(session, writing("dear.txt", "fir"), { people });
      expect(await said("[[recall paper is dear]]")).toBe("paper is dear");
    });

    test("stops when it is cancelled, and answers the next turn", async () => {
      await cancelled(session, "[[endless]]", (event) => event.type === "text");
      await stage.twin.until(() => stage.twin.open === 0, "the model is asked for no more");
      expect(await said("[[say after the stop]]")).toBe("after the stop");
    });

    test("stops when it is cancelled while it asks, and does nothing", async () => {
      const controller = new AbortController();
      const people = new People();
      const collected = collect(session, writing("open.txt", "ash"), { people, signal: controller.signal });
      await people.first;
      controller.abort();
      await collected;
      expect(await said("[[say after the ask]]")).toBe("after the ask");
      expect(stage.written("open.txt")).toBeUndefined();
    });

    test("leaves people the choice of its model", async () => {
      const { choice, asked } = published.model;
      const models = (await session.options?.())?.find(({ id }) => id === "model");
      expect(models?.choices.map(({ id }) => id)).toContain(choice);
      expect(textOf(await collect(session, "[[say chosen]]", { model: choice }))).toBe("chosen");
      expect(modelsAsked("[[say chosen]]", stage.twin)).toContainEqual(expect.stringMatching(asked));
      expect(await said("[[say its own]]")).toBe("its own");
      expect(modelsAsked("[[say its own]]", stage.twin)).not.toContainEqual(expect.stringMatching(asked));
    });

    test.each(["accept-edits", "bypass"] as const)("works in the mode %s, and asks again after it", async (mode) => {
      const people = allowing();
      const file = `${mode}.txt`;
      await collect(session, published.write(stage.path(file), "yew", mode), { people, mode });
      expect(stage.written(file)).toBe("yew");
      expect(people.asked).toHaveLength(published.unasked.includes(mode) ? 0 : 1);
      const careful = new People(() => NO);
      await collect(session, writing(`no-${file}`, "yew"), { people: careful });
      expect(careful.asked).toHaveLength(1);
      expect(stage.written(`no-${file}`)).toBeUndefined();
    });

    if (published.guarded) {
      const { configure, guarded } = published;
      test("asks in a mode that it may not be in, and plans no more", async () => {
        const careful = {
          ...published,
          configure: (...of: Parameters<typeof configure>) => ({ ...configure(...of), ...guarded }),
        };
        const own = await PublishedStage.open(careful);
        onTestFinished(() => own.close());
        const one = await own.open();
        await collect(one, "[[say a plan]]", { mode: "plan" });
        const people = allowing();
        const events = await collect(one, published.write(own.path("guarded.txt"), "box"), { people, mode: "bypass" });
        expect(noticesIn(events)).toEqual([expect.stringContaining("stays as it is")]);
        expect(people.asked).toHaveLength(1);
        expect(own.written("guarded.txt")).toBe("box");
      });
    }

    test("does nothing but plan where a plan is wanted", async () => {
      const people = new People(() => NO);
      const events = await collect(session, "[[say a plan of three steps]]", { people, phase: "plan", mode: "plan" });
      expect(textOf(events)).toContain("a plan of three steps");
      expect(people.asked).toEqual([]);
      expect(await said("[[say after the plan]]")).toBe("after the plan");
    });

    if (published.leavePlan) {
      const leavePlan = published.leavePlan;
      test("its plan is what is answered, and it is stopped before it works", async () => {
        const people = new People(() => ONCE);
        const options = { people, phase: "plan", mode: "plan" } as const;
        const events = await collect(session, leavePlan("1. dig a hole"), options);
        expect(textOf(events)).toMatch(/^I will use a tool\.\s+1\. dig a hole$/);
        expect(people.asked).toEqual([]);
        expect(events.at(-1)?.type).toBe("done");
        expect(await said("[[say after it]]")).toBe("after it");
      });

      test("asks people to approve its plan where it leaves its plan mode by itself", async () => {
        const people = allowing();
        const events = await collect(session, leavePlan("1. plant a tree"), { people, mode: "plan" });
        expect(people.asked).toEqual([{ kind: "plan", text: expect.stringContaining("1. plant a tree") }]);
        expect(events.at(-1)?.type).toBe("done");
      });
    } else {
      test.skip("plan approval: it has none of its own");
    }

    /** In the session that it was in, or where it can't, in a new one, of which people are told. */
    const goesOn = (before: readonly AgentEvent[], after: readonly AgentEvent[]) => {
      const isSame = sessionIdIn(after) === sessionIdIn(before);
      if (!published.forgets) expect(isSame).toBe(true);
      expect(noticesIn(after)).toEqual(isSame ? [] : [expect.stringContaining("was told what was said last")]);
    };

    test("goes on after a close, without saying again what was said", async () => {
      const own = await spare();
      const transcript = transcriptOf("the cat is called momo-71");
      const first = await own.open();
      const events = await collect(first, "[[say the cat is called momo-71]]");
      await first.close();
      await own.gone();
      const again = await own.open({ state: stateIn(events) as Json, transcript });
      const recalled = await collect(again, "[[recall momo-\\d+]]");
      expect(textOf(recalled)).toBe("momo-71");
      goesOn(events, recalled);
    });

    if (published.forgets) {
      test.skip("goes on in its own session each time: it can do so once at most, and only in a later minute");

      test(
        "goes on in its own session in a later minute, without saying again what was said",
        async () => {
          const own = await spare();
          const first = await own.open();
          const events = await collect(first, "[[say the cow is called elsa-5]]");
          for (const count of Array(30).keys()) await collect(first, `[[say ${count} sheep]]`);
          await first.close();
          await sleep(MINUTE - (Date.now() % MINUTE) + 100);
          const again = await own.open({ state: stateIn(events) as Json });
          const recalled = await collect(again, "[[recall elsa-\\d+]]");
          expect(textOf(recalled)).toBe("elsa-5");
          expect(noticesIn(recalled)).toEqual([]);
          expect(stateIn(recalled)).toMatchObject({ sessionId: sessionIdIn(events) });
        },
        3 * MINUTE,
      );
    }

    test("killed in a turn: the turn fails, the next one goes on", async () => {
      const own = await spare();
      const one = await own.open({ transcript: transcriptOf("the dog is called rex-19") });
      const before = await collect(one, "[[say the dog is called rex-19]]");
      const during: AgentEvent[] = [];
      for await (const event of one.run(turnOf("[[endless]]"))) {
        if (event.type === "text" && textOf(during) === "") for (const id of own.processes()) kill(id);
        during.push(event);
      }
      expect(failureIn(during)).toMatchObject({ code: "ACP_ENDED", retryable: true });
      const recalled = await collect(one, "[[recall rex-\\d+]]");
      expect(textOf(recalled)).toBe("rex-19");
      goesOn(before, recalled);
    });

    test("shared: two sessions in one process are kept apart, and one outlives the other", async () => {
      const own = await PublishedStage.open(published, "shared");
      onTestFinished(() => own.close());
      const [ada, bob] = await Promise.all([own.open(), own.open({ session: "session-2" })]);
      const answers = await Promise.all([collect(ada, "[[say ada-one]]"), collect(bob, "[[say bob-one]]")]);
      expect(answers.map(textOf)).toEqual(["ada-one", "bob-one"]);
      await ada.close();
      expect(textOf(await collect(bob, "[[recall (ada|bob)-one]]"))).toBe("bob-one");
      await bob.close();
      expect(own.processes()).toEqual([]);
    });
  });
}

function isPositive(count: number): boolean {
  return count > 0;
}

/** What core remembers of the session. */
function transcriptOf(text: string): OpenOptions["transcript"] {
  return async () => [{ role: "assistant", text, at: 0, turn: "turn-0" }];
}

/** Runs the turn until the event comes, and cancels it. */
async function cancelled(session: AgentSession, text: string, when: (event: AgentEvent) => boolean): Promise<void> {
  const controller = new AbortController();
  for await (const event of session.run(turnOf(text, { signal: controller.signal }))) {
    if (when(event)) controller.abort();
  }
}

function sessionIdIn(events: readonly AgentEvent[]): unknown {
  const state = stateIn(events);
  return typeof state === "object" && state !== null && "sessionId" in state ? state.sessionId : undefined;
}

function kill(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It ended with another one.
  }
}
