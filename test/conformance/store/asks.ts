import { describe, expect, test } from "vitest";
import type { QuestionAnswer } from "../../../src/model.ts";
import {
  APPROVED,
  asking,
  BOB,
  cardsIn,
  finishAll,
  openAsk,
  openShown,
  PERMISSION,
  PLAN,
  QUESTIONS,
  read,
} from "./ask-drafts.ts";
import { ANN, answer, CHANNEL, NOBODY, type OpenHarness, REPLICA, said, setStage } from "./stage.ts";

const [COLOUR, SIZE] = QUESTIONS.questions.map(({ id }) => id) as [string, string];

export function describeAsks(open: OpenHarness): void {
  describe("asks", () => {
    const stage = setStage(open);

    test("are opened together with what shows them", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const { outbox: texts, ...draft } = asking({
        turn: turn.id,
        approvers: ["telegram:42"],
        brief: true,
        dueAt: stage.now() + 60_000,
        outbox: [answer("All of it."), { kind: "notice", text: "Look:" }],
      });
      const { ask, outbox } = await stage.store.openAsk(CHANNEL, lease.fence, { ...draft, outbox: texts });
      expect(ask).toEqual({
        ...draft,
        id: expect.stringMatching(/^\S{8,32}$/),
        channel: CHANNEL,
        session: lease.session.id,
        openedAt: stage.now(),
        version: 1,
        shown: [],
        reminders: 0,
        answers: {},
      });
      const fresh = { id: expect.any(String), state: "pending", attempts: 0 };
      expect(outbox).toEqual([
        { ...fresh, kind: "answer", text: "All of it." },
        { ...fresh, kind: "notice", text: "Look:" },
        { ...fresh, kind: "card", text: "", card: { ask: ask.id } },
      ]);
      await stage.reopen();
      expect(await stage.store.ask(ask.id)).toEqual(ask);
      expect((await stage.own()).outbox).toEqual(outbox);
      expect(await stage.store.stats()).toMatchObject({ undelivered: 3 });
    });

    test("keep all that a plan needs", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const { messages } = await stage.claim(lease);
      const context = { messages, systemPrompt: "Be careful.\n", architect: { read: ["a", null, { deep: 1 }] } };
      const { ask } = await openAsk(stage.store, lease, { request: PLAN, context });
      expect(ask).toMatchObject({ request: PLAN, context });
      await stage.reopen();
      expect(await stage.store.ask(ask.id)).toEqual(ask);
    });

    test("have one card for each question", async () => {
      const { ask, outbox } = await openAsk(stage.store, await stage.own(), { request: QUESTIONS });
      expect(outbox.map(({ card }) => card)).toEqual([
        { ask: ask.id, question: COLOUR },
        { ask: ask.id, question: SIZE },
      ]);
      expect(ask.request).toEqual(QUESTIONS);
    });

    test("can be opened in the step that ends a turn, behind what it says", async () => {
      await stage.accept("1", "2");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const ask = asking({ request: PLAN, outbox: [answer("The plan.")], dueAt: 5 });
      const ended = await stage.commit(lease, turn, { outbox: [answer("Here:")], ask, take: 1 });
      expect(ended.next?.messages).toMatchObject([{ id: "2" }]);
      expect(ended.next).not.toHaveProperty("asks");
      const [plan] = (await stage.own()).asks;
      expect(ended.outbox).toMatchObject([{ text: "Here:" }, { text: "The plan." }, { card: { ask: plan?.id } }]);
      expect(plan).toMatchObject({ request: PLAN, session: lease.session.id, version: 1, dueAt: 5 });
      expect(plan).not.toHaveProperty("turn");
      await stage.reopen();
      const after = await stage.own();
      expect(after.asks).toEqual([plan]);
      expect(after.outbox).toEqual(ended.outbox);
    });

    test("are not opened by a turn that was cancelled first", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      await stage.signal("2", { cancel: "turn" });
      const commit = { turn: turn.id, transcript: [said(turn, "late")], session: {}, outbox: [], take: 0 };
      const ended = await stage.store.commitTurn(CHANNEL, lease.fence, { ...commit, ask: asking({ request: PLAN }) });
      expect(ended).toEqual({ status: "cancelled" });
      expect(await stage.store.asks({ limit: 9 })).toEqual({ asks: [] });
      expect((await stage.store.audit({ limit: 9 })).entries).toEqual([]);
    });

    test("of a channel are in its lease, oldest first, and counted in its queue, while they are open", async () => {
      const lease = await stage.own();
      const opened = [];
      for (const request of [PLAN, PERMISSION, QUESTIONS]) {
        opened.push((await openAsk(stage.store, lease, { request })).ask);
        stage.advance(1);
      }
      await openAsk(stage.store, await stage.own("web:other"));
      expect((await stage.own()).asks).toEqual(opened);
      expect((await stage.store.queue(CHANNEL)).asks).toBe(3);
      await stage.store.answerAsk(opened[1]?.id ?? "", APPROVED);
      await stage.reopen();
      expect((await stage.own()).asks).toEqual([opened[0], opened[2]]);
      expect((await stage.store.queue(CHANNEL)).asks).toBe(2);
    });

    test("are decided once, by the first, and the owner gets a command for it", async () => {
      const { ask } = await openAsk(stage.store, await stage.own());
      await stage.reopen();
      stage.advance(5);
      const verdict = { kind: "rejected", reason: 'No;\n50%, "never"' } as const;
      const first = await stage.store.answerAsk(ask.id, { by: ANN, via: "api", verdict });
      const end = { state: "decided", verdict, by: ANN, via: "api", at: stage.now() };
      expect(first).toEqual({ status: "decided", ask: { ...ask, version: 2, end } });
      stage.advance(10);
      for (const restarted of [false, true]) {
        if (restarted) await stage.reopen();
        expect(await stage.store.answerAsk(ask.id, APPROVED)).toEqual({ status: "already", ask: first.ask });
        expect(await stage.store.endAsk(ask.id, { state: "expired" })).toEqual({ status: "already", ask: first.ask });
      }
      const unattended = await stage.store.unattended(NOBODY);
      expect(unattended).toEqual([CHANNEL]);
      const lease = await stage.own();
      expect(lease.asks).toEqual([]);
      expect(lease.controls).toEqual([
        { id: `ask:${ask.id}`, command: "ask", args: ask.id, sender: ANN, at: stage.now() - 10 },
      ]);
      await finishAll(stage.store, lease);
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toEqual([]);
      expect(await stage.store.receipt(CHANNEL, `ask:${ask.id}`)).toBeUndefined();
    });

    test("have one winner of fifty at once", async () => {
      const lease = await stage.own();
      const ask = await openShown(stage.store, lease);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const verdict = { kind: "rejected", reason: `${index}` } as const;
          return stage.store.answerAsk(ask.id, { by: index % 2 === 0 ? ANN : BOB, via: "button", verdict });
        }),
      );
      expect(answers.filter(({ status }) => status === "decided")).toHaveLength(1);
      expect(answers.filter(({ status }) => status === "already")).toHaveLength(49);
      expect(new Set(answers.map((given) => JSON.stringify(given.ask.end))).size).toBe(1);
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toHaveLength(1);
      expect(await cardsIn(stage.store, lease)).toHaveLength(1);
      const { entries } = await stage.store.audit({ limit: 99 });
      expect(entries.map(({ what }) => what)).toEqual(["opened", "decided"]);
    });

    test("are not opened of a turn that is not in flight", async () => {
      await stage.accept("1");
      const lease = await stage.own();
      const turn = await stage.claim(lease);
      const refused = { code: "STALE_FENCE" };
      await expect(openAsk(stage.store, lease, { turn: `${turn.id}0` })).rejects.toMatchObject(refused);
      await openAsk(stage.store, lease, { turn: turn.id });
      await stage.commit(lease, turn);
      await expect(openAsk(stage.store, lease, { turn: turn.id, key: "2" })).rejects.toMatchObject(refused);
      expect((await stage.store.asks({ channel: CHANNEL, limit: 9 })).asks).toEqual([]);
    });

    test("have their questions answered one by one; the last answer decides", async () => {
      const lease = await stage.own();
      const { ask } = await openAsk(stage.store, lease, { request: QUESTIONS });
      const large: QuestionAnswer = { value: "as large as\npossible; 3%", by: BOB, at: stage.now() };
      const first = await stage.store.answerAsk(ask.id, {
        by: BOB,
        via: "message",
        question: SIZE,
        value: large.value,
      });
      expect(first).toEqual({ status: "accepted", ask: { ...ask, version: 2, answers: { [SIZE]: large } } });
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toEqual([]);
      expect((await stage.own()).asks).toEqual([first.ask]);
      await stage.reopen();
      stage.advance(3);
      const again = await stage.store.answerAsk(ask.id, { by: ANN, via: "api", question: SIZE, value: "small" });
      expect(again).toEqual({ status: "already", ask: first.ask });
      const red: QuestionAnswer = { value: "r", by: ANN, at: stage.now() };
      const last = await stage.store.answerAsk(ask.id, { by: ANN, via: "button", question: COLOUR, value: "r" });
      const end = { state: "decided", verdict: { kind: "answered" }, by: ANN, via: "button", at: stage.now() };
      expect(last).toEqual({
        status: "decided",
        ask: { ...ask, version: 3, answers: { [COLOUR]: red, [SIZE]: large }, end },
      });
      expect(await stage.store.ask(ask.id)).toEqual(last.ask);
      const more = await stage.store.answerAsk(ask.id, { by: BOB, via: "api", question: COLOUR, value: "x" });
      expect(more).toEqual({ status: "already", ask: last.ask });
      expect((await stage.own()).controls).toMatchObject([{ command: "ask", args: ask.id, sender: ANN }]);
    });

    test("have one decision where all their questions are answered at once", async () => {
      const lease = await stage.own();
      const questions = Array.from({ length: 6 }, (_, index) => ({ id: `q${index}`, prompt: "?" }));
      const { ask } = await openAsk(stage.store, lease, { request: { ...QUESTIONS, questions } });
      const answers = await Promise.all(
        [...questions, ...questions].map(({ id }, index) =>
          stage.store.answerAsk(ask.id, { by: BOB, via: "button", question: id, value: `${index}` }),
        ),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...Array(5).fill("accepted"), ...Array(6).fill("already"), "decided"].sort());
      expect(Object.keys((await read(stage.store, ask.id)).answers).sort()).toEqual(questions.map(({ id }) => id));
      expect((await stage.store.pending(CHANNEL, lease.fence)).controls).toHaveLength(1);
    });

    test("take no answer to a question that they don't have", async () => {
      const lease = await stage.own();
      const { ask } = await openAsk(stage.store, lease, { request: QUESTIONS });
      for (const question of ["", "q", `${COLOUR} ${COLOUR}`, "constructor"]) {
        const wrong = stage.store.answerAsk(ask.id, { by: BOB, via: "api", question, value: "x" });
        await expect(wrong).rejects.toMatchObject({ code: "QUESTION_UNKNOWN" });
      }
      expect(await stage.store.ask(ask.id)).toEqual(ask);
    });

    test("can expire, or be withdrawn, as they could be decided", async () => {
      const lease = await stage.own();
      const expiring = await openShown(stage.store, lease, { requester: BOB });
      const expired = await stage.store.endAsk(expiring.id, { state: "expired" });
      expect(expired).toEqual({
        status: "decided",
        ask: { ...expiring, version: 2, end: { state: "expired", at: stage.now() } },
      });
      const { ask } = await openAsk(stage.store, lease, { request: QUESTIONS });
      const reason = 'another; one, "50%"\nwas asked';
      const withdrawn = await stage.store.endAsk(ask.id, { state: "withdrawn", reason, by: ANN });
      expect(withdrawn.ask.end).toEqual({ state: "withdrawn", reason, by: ANN, at: stage.now() });
      expect(await stage.store.answerAsk(expiring.id, APPROVED)).toEqual({ status: "already", ask: expired.ask });
      await stage.reopen();
      expect(await stage.store.ask(expiring.id)).toEqual(expired.ask);
      expect(await stage.store.ask(ask.id)).toEqual(withdrawn.ask);
      const after = await stage.own();
      expect(after.asks).toEqual([]);
      expect(after.controls).toMatchObject([
        { id: `ask:${expiring.id}`, args: expiring.id, sender: BOB },
        { id: `ask:${ask.id}`, args: ask.id, sender: ANN },
      ]);
    });

    test("are unknown where there is none, and with their session removed", async () => {
      const lease = await stage.own();
      const { ask } = await openAsk(stage.store, lease);
      await stage.store.heartbeat(REPLICA);
      await stage.store.remove(lease.session.id);
      for (const id of [ask.id, "ask_unknown", "", "%", "x".repeat(500)]) {
        const unknown = { code: "ASK_UNKNOWN" };
        await expect(stage.store.answerAsk(id, APPROVED)).rejects.toMatchObject(unknown);
        await expect(stage.store.endAsk(id, { state: "expired" })).rejects.toMatchObject(unknown);
        expect(await stage.store.remindAsk(id, 0, 1)).toBe(false);
        expect(await stage.store.ask(id)).toBeUndefined();
      }
    });
  });
}
