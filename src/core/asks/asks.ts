/**
 * The asks of all channels, for whoever wants to open, show, decide or remind of one. It holds nothing: every ask is
 * in the store, so that it can be decided from any replica, hours later.
 */
import type { ChannelAdapter, Press, Pressed } from "../../channel.ts";
import { SwitchboardError } from "../../errors.ts";
import type { Emit } from "../../events.ts";
import type { Ask, AskRequest, Card, ChannelId, Clock, OutboxDraft, Sender, Surface } from "../../model.ts";
import type { Decision } from "../../operations.ts";
import type { AskDraft, Store } from "../../store.ts";
import type { Access } from "../access.ts";
import { type Answer, decisionOf, isOwn, saying, settled } from "./answers.ts";
import { type ApproverRules, approversOf, decidersOf, mayDecide } from "./approvers.ts";
import { answerOf, askOf, choiceOf } from "./buttons.ts";
import { type Face, faceOf } from "./card.ts";
import { type AskSettings, again, cooldownOf, dueAt, hasExpired } from "./due.ts";
import { endOf } from "./state.ts";

export interface AsksOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly access: Access;
  readonly settings: AskSettings;
  approvers(channel: ChannelId): ApproverRules;
}

/** How many asks one look of the sweeper works on. */
const AT_ONCE = 100;
/** Characters that a card adds to a request. */
const FRAME = 500;
const MOST_PRIVATE = 180;

export class Asks {
  readonly #options: AsksOptions;

  constructor(options: AsksOptions) {
    this.#options = options;
  }

  /** Where a request doesn't fit into one message, it is posted ahead, and the card is brief. */
  draft(
    request: AskRequest,
    channel: ChannelId,
    adapter: Pick<ChannelAdapter, "split">,
    more: Pick<AskDraft, "requester" | "turn" | "context">,
  ): AskDraft {
    const { clock, settings, approvers } = this.#options;
    const due = dueAt(settings, { openedAt: clock.now() }, 0, clock.now());
    const whole = [
      request.text,
      ...(request.kind === "questions" ? request.questions.map(({ prompt }) => prompt) : []),
    ];
    const isLong = adapter.split(whole.join("\n\n") + "x".repeat(FRAME)).length > 1;
    return {
      ...more,
      request,
      approvers: approversOf(approvers(channel), request.kind),
      key: crypto.randomUUID(),
      ...(due === undefined ? {} : { dueAt: due }),
      ...(isLong ? { brief: true } : {}),
      outbox: isLong ? adapter.split(whole.join("\n\n")).map((text): OutboxDraft => ({ kind: "answer", text })) : [],
    };
  }

  /** How a card looks now; undefined where its ask is gone. */
  async face(card: Card, limits: ChannelAdapter["limits"]): Promise<Face | undefined> {
    const ask = await this.#options.store.ask(card.ask);
    return ask && (await faceOf(ask, card, limits));
  }

  isAdmin(sender: Sender): boolean {
    return this.#options.access.isAdmin(sender.id);
  }

  may(ask: Ask, sender: Sender): boolean {
    return mayDecide(ask, sender, this.isAdmin(sender));
  }

  /** See `Intake.press`. */
  async press({ channel, sender, data, value, inexact }: Press): Promise<Pressed> {
    const { store, access } = this.#options;
    const id = askOf(data);
    const ask = id === undefined ? undefined : await store.ask(id);
    const isHere = ask?.channel === channel || (inexact === true && ask?.channel.startsWith(channel));
    if (!ask || !isHere) return refusal("This button belongs to nothing that is known here any more.");
    if (!access.allows({ channel: ask.channel, sender })) return refusal("You are not on this bot's access list.");
    const choice = await choiceOf(ask, data);
    if (choice === undefined) return refusal("This button was not made by this gateway: it decides nothing.");
    const answer = answerOf(ask, choice, value);
    if (!answer) return refusal("That is not one of the answers. Nothing was changed.");
    return await this.answer(ask, answer, sender, "button");
  }

  /** Says what came of it, to the one who answered. */
  async answer(ask: Ask, answer: Answer, by: Sender, via: Surface): Promise<Pressed> {
    const { store, emit } = this.#options;
    const before = settled(ask, answer);
    if (before !== undefined) return { ok: false, text: brief(before) };
    if (!this.may(ask, by)) return refusal(`Not yours to decide: this is for ${decidersOf(ask)}.`);
    const answered = await store.answerAsk(ask.id, { ...answer, by, via });
    if (answered.status === "already") {
      const { ask: now } = answered;
      return { ok: isOwn(now, answer, by), text: brief(settled(now, answer) ?? endOf(now)) };
    }
    emit({ type: "ask", channel: ask.channel, ask: ask.id, what: answered.status, by: by.id });
    return { ok: true, text: brief(saying(answered.ask, answer)) };
  }

  /** See `Operations.decide`. */
  async decide(ask: Ask, decision: Decision, by: Sender): Promise<Ask> {
    const { store, emit } = this.#options;
    const answer = decisionOf(ask, decision);
    const before = settled(ask, answer);
    if (before !== undefined) throw new SwitchboardError("ASK_CLOSED", before);
    const answered = await store.answerAsk(ask.id, { ...answer, by, via: "api" });
    if (answered.status === "already" && !isOwn(answered.ask, answer, by)) {
      throw new SwitchboardError("ASK_CLOSED", settled(answered.ask, answer) ?? endOf(answered.ask));
    }
    emit({ type: "ask", channel: ask.channel, ask: ask.id, what: answered.status, by: by.id });
    return answered.ask;
  }

  /** Reminds of one ask where its cooldown allows it, because somebody wrote to its channel. */
  async remind(ask: Ask): Promise<boolean> {
    const { store, clock, settings, emit } = this.#options;
    const { id, reminders } = ask;
    const cooldown = cooldownOf(settings, reminders);
    // Too early: nothing is changed, the next reminder comes when it was to come.
    if (clock.now() - (ask.remindedAt ?? ask.openedAt) < cooldown) return false;
    const reminded = await store.remindAsk(id, cooldown, dueAt(settings, ask, reminders + 1, clock.now()));
    if (reminded) emit({ type: "ask", channel: ask.channel, ask: id, what: "reminded" });
    return reminded;
  }

  /** Reminds of what is due, lets expire what is over. `ours`: which channels this replica looks after; others are another's. */
  async sweep(ours: (channel: ChannelId) => boolean): Promise<void> {
    const { store, clock, settings, emit } = this.#options;
    for (const ask of await store.dueAsks(AT_ONCE)) {
      if (!ours(ask.channel)) continue;
      if (hasExpired(settings, ask, clock.now())) {
        await store.endAsk(ask.id, { state: "expired" });
        emit({ type: "ask", channel: ask.channel, ask: ask.id, what: "expired" });
      } else if (!(await this.remind(ask))) {
        // Its channel is busy, or it is not shown yet.
        await store.remindAsk(ask.id, Number.MAX_SAFE_INTEGER, again(clock.now()));
      }
    }
  }
}

function refusal(text: string): Pressed {
  return { ok: false, text: brief(text) };
}

function brief(text: string): string {
  return text.length > MOST_PRIVATE ? `${text.slice(0, MOST_PRIVATE - 1).replace(/[\ud800-\udbff]$/, "")}…` : text;
}
