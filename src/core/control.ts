/**
 * Carries out what goes around a channel's inbox, in order and beside its turn: commands, decisions of asks, and messages
 * that may be the answer to one. Each is ended in one step of the store; a crash before that repeats it.
 */
import type { AgentOption } from "../agent.ts";
import { describe } from "../errors.ts";
import type { Ask, Control, ControlEffect, Message, Session } from "../model.ts";
import type { ControlEnd } from "../store.ts";
import { ruleFor } from "./asks/permissions.ts";
import { readMessage } from "./asks/reading.ts";
import { within } from "./clock.ts";
import type { CommandContext, CommandResult, Options } from "./commands/registry.ts";
import { OWN, sentence } from "./commands/words.ts";
import type { SessionScope } from "./scope.ts";
import type { CurrentTurn, Work } from "./work.ts";

/** Open asks of one channel that a message is held against; more make no sense to people. */
const MOST_ASKS = 50;

/** Milliseconds that a command waits for an agent to begin. */
const LONGEST_OPENING = 20_000;

export class Controller {
  readonly #scope: SessionScope;
  /** A command waits for an agent. */
  #waits = false;

  constructor(scope: SessionScope) {
    this.#scope = scope;
  }

  /** Everything that waits, and what comes meanwhile. */
  async run(work: Work): Promise<void> {
    const { context, channel, fence, insist } = this.#scope;
    while (work.controlsAgain) {
      work.controlsAgain = false;
      const { controls } = await insist("read commands", () => context.store.pending(channel, fence));
      for (const control of controls) {
        // The fence may still be good, but the agents are being closed: whoever has the channel next does what is left.
        work.alive.signal.throwIfAborted();
        await this.#execute(control, work);
      }
    }
    // In the same tick as the last look, so that a wake after it begins a new loop.
    work.controls = undefined;
  }

  async #execute(control: Control, work: Work): Promise<void> {
    const { context, channel, fence, insist, session, changed, deliver } = this.#scope;
    await this.#stopTurn(control.effect, work);
    const effect = (await this.#stopsNow(control)) ? await this.#stopAll(control, work) : control.effect;
    const known = effect ? { ...control, effect } : control;
    const command = context.commands.get(control.command);
    // Asked ahead: nothing else has to wait for an agent that takes its time.
    const options = command?.chooses?.(control.args) ? await this.#options(session(), work) : undefined;
    await work.exclusively(async () => {
      const result = await insist(`run /${control.command}`, () => this.#resultOf(known, options));
      const end = await insist("end a command", () =>
        context.store.finishControl(channel, fence, this.#endOf(control, result)),
      );
      await changed(end.session);
      context.emit({ type: "command", channel, command: control.command, sender: control.sender.id });
      deliver(end.outbox);
    });
    if (control.command === "ask") work.waiters.get(control.args)?.();
  }

  /** While a command waits for an agent: what was cancelled is stopped all the same, and answered in its turn. */
  async stopAhead(work: Work): Promise<void> {
    if (!this.#waits) return;
    const { context, channel, fence, insist } = this.#scope;
    const { controls } = await insist("read commands", () => context.store.pending(channel, fence));
    for (const { effect } of controls) this.#cancel(effect, work);
  }

  /** Ends the attempt under way where it is of the turn that was cancelled. */
  async #stopTurn(effect: ControlEffect | undefined, work: Work): Promise<void> {
    await this.#cancel(effect, work)?.over();
  }

  #cancel(effect: ControlEffect | undefined, work: Work): CurrentTurn | undefined {
    const turn = effect?.cancelledTurn ?? undefined;
    if (turn === undefined) return undefined;
    work.cancelled = turn;
    if (work.current?.turn !== turn) return undefined;
    work.current.stop("cancelled");
    return work.current;
  }

  async #stopsNow(control: Control): Promise<boolean> {
    const { context, insist } = this.#scope;
    const command = context.commands.get(control.command);
    if (!command?.stops) return false;
    const stops = insist(`run /${control.command}`, async () => await command.stops?.(this.#contextOf(control)));
    return (await stops) === true;
  }

  /** What `Command.cancels` does at a command's arrival, for one that can only tell now: a control of its own does it, once. */
  async #stopAll({ id, sender, at, command }: Control, work: Work): Promise<ControlEffect | undefined> {
    const { context, channel, insist } = this.#scope;
    const event = {
      channel,
      id: `${OWN}stop:${id}`,
      sender,
      text: "/stop",
      sentAt: at,
      addressed: true,
      direct: false,
    };
    const draft = { command: "stopped", args: "", cancel: "all", reason: `/${command} by ${sender.name}` } as const;
    const signalled = await insist("stop for a command", () => context.store.signal(event, draft));
    if (signalled.status === "duplicate") return undefined;
    work.controlsAgain = true;
    await this.#stopTurn(signalled.effect, work);
    return signalled.effect;
  }

  #endOf(control: Control, { reply, card, settings, patch, ...effects }: CommandResult): ControlEnd {
    return {
      control: control.id,
      outbox: [
        ...this.#scope.adapter.split(reply ?? "").map((text) => ({ kind: "notice", text }) as const),
        ...(card ? [{ kind: "card", text: "", card } as const] : []),
      ],
      ...(settings || patch ? { session: { ...patch, ...(settings ? { settings } : {}) } } : {}),
      ...effects,
    };
  }

  async #resultOf(control: Control, options: Options | undefined): Promise<CommandResult> {
    const { commands } = this.#scope.context;
    if (control.command === "ask") return await this.#decided(control.args, this.#scope.session());
    if (control.command === "say" && control.message) return await this.#said(control, control.message);
    if (control.command === "stopped") return {};
    const command = commands.get(control.command);
    if (!command) return { reply: `\`/${control.command}\` is not known here.` };
    return await command.run(this.#contextOf(control, options));
  }

  #contextOf(control: Control, options?: Options): CommandContext {
    const { context, channel } = this.#scope;
    const { store, clock, commands, asks, fresh, route, agents, agent, workspace, timetable, latency } = context;
    const session = this.#scope.session();
    return {
      ...{ control, session, store, asks, route: route(channel), now: clock.now(), commands: commands.list, agents },
      ...(timetable ? { timetable } : {}),
      latency,
      compacts: agent(session.agent)?.compacts === true,
      hasWorkspace: workspace !== undefined,
      ...(options ? { options } : {}),
      fresh: (project) => fresh(channel, session, project),
    };
  }

  /** A command must not wait for an agent for as long as a turn may. */
  async #options(session: Session, work: Work): Promise<Options> {
    const { context, runner } = this.#scope;
    let known: readonly AgentOption[] = [];
    this.#waits = true;
    try {
      // What has come since the last look was told to nobody.
      await this.stopAhead(work);
      const asked = runner()
        .options(session)
        .then((options) => {
          known = options;
        });
      const isTold = await within(context.clock, LONGEST_OPENING, asked);
      return isTold ? { known } : { known, problem: `it did not answer within ${LONGEST_OPENING / 1_000} s.` };
    } catch (error) {
      return { known, problem: sentence(describe(error)) };
    } finally {
      this.#waits = false;
    }
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
    // Nobody answers by a schedule.
    if (message.source !== undefined) return { enqueue: message };
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
