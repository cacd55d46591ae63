/** What a turn's agent gets: what it is to do, what was decided before, and a way to ask. And what became of it, where that is a plan. */
import type { Ask, AskRequest, Json, Sender, Turn } from "../model.ts";
import type { AskDraft } from "../store.ts";
import { Asking } from "./asks/asking.ts";
import { type Assignment, assignmentOf } from "./assignment.ts";
import {
  type Continuation,
  choiceIn,
  continuationOf,
  isAboutInterruption,
  questionAfter,
  unusedQuestion,
  withInterruption,
} from "./interruption.ts";
import type { Run } from "./runner.ts";
import type { SessionScope } from "./scope.ts";
import type { Work } from "./work.ts";

export class Briefing {
  readonly #scope: SessionScope;

  constructor(scope: SessionScope) {
    this.#scope = scope;
  }

  /** What the turn's earlier attempts asked. */
  async earlier({ asks = [] }: Turn): Promise<Ask[]> {
    const { context, insist } = this.#scope;
    const found = await Promise.all(asks.map((id) => insist("read an ask", () => context.store.ask(id))));
    return found.filter((ask) => ask !== undefined);
  }

  /** Undefined where it is to carry out a plan of a session that was left by `/new` in that moment. */
  async assignment(turn: Turn): Promise<Assignment | undefined> {
    const { context, channel, session, insist } = this.#scope;
    const id = turn.messages.find(({ plan }) => plan?.ask !== undefined)?.plan?.ask;
    const plan = id === undefined ? undefined : await insist("read a plan", () => context.store.ask(id));
    const step = turn.messages.find((message) => message.plan)?.plan?.step;
    if (step === "carry out" && plan?.session !== session().id) return undefined;
    return assignmentOf(turn, session(), context.route(channel), plan);
  }

  asking(
    turn: Turn,
    { mode }: Assignment,
    earlier: readonly Ask[],
    waiters: Map<string, () => void>,
    signal: AbortSignal,
  ): Asking {
    const { context, session, insist } = this.#scope;
    return new Asking({
      ...{ mode, earlier: earlier.filter((ask) => !isAboutInterruption(ask)), signal, waiters },
      now: () => context.clock.now(),
      settings: () => session().settings,
      read: (id) => insist("read an ask", () => context.store.ask(id)),
      open: (request, over) => this.#open(turn, request, over),
      withdraw: (id) => this.#withdraw(id),
    });
  }

  async #open(turn: Turn, request: AskRequest, over?: AbortSignal): Promise<Ask> {
    const { context, channel, adapter, fence, deliver, insist } = this.#scope;
    const { store, asks, emit } = context;
    const draft = asks.draft(request, channel, adapter, { requester: requesterOf(turn), turn: turn.id });
    const { ask, outbox } = await insist("open an ask", async () => {
      over?.throwIfAborted();
      return await store.openAsk(channel, fence, draft);
    });
    emit({ type: "ask", channel, ask: ask.id, what: "opened" });
    deliver(outbox);
    return ask;
  }

  async #withdraw(id: string): Promise<void> {
    const { context, channel, insist } = this.#scope;
    const end = { state: "withdrawn", reason: "the agent needs no answer any more." } as const;
    const { status } = await insist("withdraw an ask", () => context.store.endAsk(id, end));
    if (status === "decided") context.emit({ type: "ask", channel, ask: id, what: "withdrawn" });
  }

  /** How an attempt goes about what an earlier one began. `wait`: people are asked. Undefined where they were, and nobody decided. */
  async continuation(
    turn: Turn,
    { agent, state }: Assignment,
    earlier: readonly Ask[],
    work: Pick<Work, "exclusively">,
  ): Promise<Continuation | "wait" | undefined> {
    const { context, session } = this.#scope;
    const question = unusedQuestion(turn.id, earlier, session().settings);
    if (question) {
      const choice = choiceIn(question);
      if (choice === "on" || choice === "anew") await this.#use(question, turn, work);
      return choice;
    }
    const continuation = continuationOf(context.onCrash(agent), turn, state !== undefined, session().settings);
    if (continuation !== "ask") return continuation;
    await this.#open(turn, questionAfter(earlier));
    return "wait";
  }

  /** After it, a crash is another one: people are asked again. */
  async #use({ id }: Ask, turn: Turn, work: Pick<Work, "exclusively">): Promise<void> {
    const { context, channel, fence, session, patch, insist } = this.#scope;
    await work.exclusively(async () => {
      const settings = withInterruption(turn, session().settings, { used: id });
      await insist("save", () => context.store.save(channel, fence, { session: { settings } }));
      patch({ settings });
    });
  }

  /** The ask that a turn ends in whose answer is a plan. The plan stands above its card, as every answer does. */
  plan({ turn, preview, assignment }: Run, state: Json | undefined): AskDraft | undefined {
    const { context, channel, adapter } = this.#scope;
    const { phase, asked, workPrompt } = assignment;
    if (phase !== "plan" || preview.text.trim() === "") return undefined;
    const kept = {
      messages: asked,
      ...(workPrompt === undefined ? {} : { systemPrompt: workPrompt }),
      ...(state === undefined ? {} : { architect: state }),
    };
    const request = { kind: "plan", text: preview.text } as const;
    const draft = context.asks.draft(request, channel, adapter, { requester: requesterOf(turn), context: kept });
    return { ...draft, brief: true, outbox: [] };
  }
}

function requesterOf({ messages }: Turn): Sender {
  return messages.at(-1)?.sender ?? { id: "gateway:nobody", name: "nobody" };
}
