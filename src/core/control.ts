/**
 * Carries out what goes around a channel's inbox, in order and beside its turn: commands, decisions of asks, and messages
 * that may be the answer to one. Each is ended in one step of the store; a crash before that repeats it.
 */
import type { Ask, Control, Message, Session } from "../model.ts";
import type { ControlEnd } from "../store.ts";
import { ruleFor } from "./asks/permissions.ts";
import { readMessage } from "./asks/reading.ts";
import type { CommandResult } from "./commands/registry.ts";
import type { SessionScope } from "./scope.ts";
import type { Work } from "./work.ts";

/** Open asks of one channel that a message is held against; more make no sense to people. */
const MOST_ASKS = 50;

export class Controller {
  readonly #scope: SessionScope;

  constructor(scope: SessionScope) {
    this.#scope = scope;
  }

  /** Everything that waits, and what comes meanwhile. */
  async run(work: Work): Promise<void> {
    const { context, channel, fence, insist } = this.#scope;
    while (work.controlsAgain) {
      work.controlsAgain = false;
      const { controls } = await insist("read commands", () => context.store.pending(channel, fence));
      for (const control of controls) await this.#execute(control, work);
    }
    // In the same tick as the last look, so that a wake after it begins a new loop.
    work.controls = undefined;
  }

  async #execute(control: Control, work: Work): Promise<void> {
    const { context, channel, fence, insist, session, changed, deliver } = this.#scope;
    const { current } = work;
    const cancelledTurn = control.effect?.cancelledTurn ?? undefined;
    if (cancelledTurn !== undefined) work.cancelled = cancelledTurn;
    if (current && current.turn === cancelledTurn) {
      const over = current.over();
      current.stop("cancelled");
      await over;
    }
    await work.exclusively(async () => {
      const result = await insist(`run /${control.command}`, () => this.#resultOf(control, session()));
      const end = await insist("end a command", () =>
        context.store.finishControl(channel, fence, this.#endOf(control, result)),
      );
      await changed(end.session);
      context.emit({ type: "command", channel, command: control.command, sender: control.sender.id });
      deliver(end.outbox);
    });
    if (control.command === "ask") work.waiters.get(control.args)?.();
  }

  #endOf(control: Control, { reply, card, settings, ...effects }: CommandResult): ControlEnd {
    return {
      control: control.id,
      outbox: [
        ...this.#scope.adapter.split(reply ?? "").map((text) => ({ kind: "notice", text }) as const),
        ...(card ? [{ kind: "card", text: "", card } as const] : []),
      ],
      ...(settings ? { session: { settings } } : {}),
      ...effects,
    };
  }

  async #resultOf(control: Control, session: Session): Promise<CommandResult> {
    const { store, clock, commands, asks, fresh, route } = this.#scope.context;
    const { channel } = this.#scope;
    if (control.command === "ask") return await this.#decided(control.args, session);
    if (control.command === "say" && control.message) return await this.#said(control, control.message);
    const command = commands.get(control.command);
    if (!command) return { reply: `\`/${control.command}\` is not known here.` };
    const context = { control, session, store, asks, route: route(channel), now: clock.now(), commands: commands.list };
    return await command.run({ ...context, fresh: () => fresh(channel, session) });
  }

  /** An ask has ended. Whoever waits for it in this process is told after this is stored. */
  async #decided(id: string, { settings }: Session): Promise<CommandResult> {
    const ask = await this.#scope.context.store.ask(id);
    if (ask?.end?.state !== "decided") return {};
    const { request, end } = ask;
    const { verdict, by, at } = end;
    if (request.kind === "permission" && verdict.kind === "approved" && verdict.scope !== "once") {
      const list = verdict.scope === "always" ? "rules" : "grants";
      return { settings: { ...settings, [list]: [...(settings?.[list] ?? []), ruleFor(request, by, at)] } };
    }
    if (request.kind !== "plan" || ask.turn !== undefined) return {};
    if (verdict.kind === "approved") return { enqueue: this.#carryOut(ask, at) };
    const reason = verdict.kind === "rejected" ? verdict.reason : undefined;
    if (reason === undefined) return {};
    const note = `${by.name} rejected your last plan: ${reason}`;
    return { settings: { ...settings, note } };
  }

  /** Whoever approved it: it is done for whom the plan was made for, who is asked what comes up. */
  #carryOut({ id, context, requester }: Ask, at: number): Message {
    const text = (context?.messages ?? []).map((message) => message.text).join("\n\n");
    return {
      id: `plan:${id}`,
      sender: requester,
      text,
      sentAt: at,
      acceptedAt: at,
      plan: { ask: id, step: "carry out" },
    };
  }

  /** A message that came while an ask was open. */
  async #said(control: Control, message: Message): Promise<CommandResult> {
    const { store, asks } = this.#scope.context;
    const { asks: open } = await store.asks({ channel: this.#scope.channel, limit: MOST_ASKS });
    const theirs = open.filter((ask) => asks.may(ask, control.sender));
    const reading = readMessage(control, theirs);
    switch (reading.kind) {
      case "unclear":
        return { reply: reading.reply };
      case "answer": {
        const { ok, text } = await asks.answer(reading.ask, reading.answer, control.sender, "message");
        return ok ? {} : { reply: text };
      }
      case "revise": {
        const { id } = reading.ask;
        return {
          withdraw: { asks: [id], reason: "another plan takes its place." },
          enqueue: { ...message, plan: { ask: id, step: "revise" } },
        };
      }
      case "message":
        for (const ask of open) await asks.remind(ask);
        return { enqueue: message };
    }
  }
}
