/** What an operator may ask of the gateway, from any replica: it works on the store, and owners hear of it from there. */
import type { CommandInfo, Taken } from "../channel.ts";
import { SwitchboardError } from "../errors.ts";
import type { Ask, ChannelId, Clock, ControlEffect, DeadLetter, InboundEvent, Session } from "../model.ts";
import type { AskView, Decision, GatewayHealth, GatewayStats, Latency, Operations, SessionRow } from "../operations.ts";
import type { AskQuery, AuditPage, QueueView, SessionQuery, Store, TranscriptPage } from "../store.ts";
import { OPERATORS } from "./access.ts";
import type { Asks } from "./asks/asks.ts";
import { remainingOf, viewOf } from "./asks/state.ts";
import type { Inbox } from "./inbox.ts";

export interface OperatorOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly inbox: Pick<Inbox, "say">;
  readonly asks: Pick<Asks, "decide">;
  readonly commands: readonly CommandInfo[];
  health(): Promise<GatewayHealth>;
  live(): Pick<GatewayStats, "live" | "running">;
  latency(): Latency | undefined;
  /** Ends the live session of a channel whose record was removed. */
  forget(channel: ChannelId): Promise<void>;
}

export class Operator implements Operations {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  health(): Promise<GatewayHealth> {
    return this.#options.health();
  }

  async stats(): Promise<GatewayStats> {
    const stats = await this.#options.store.stats();
    const { queued, inFlight, undelivered } = stats;
    const work = { processing: inFlight > 0, active: queued + inFlight + undelivered };
    const latency = this.#options.latency();
    return { ...stats, ...this.#options.live(), ...work, ...(latency ? { latency } : {}) };
  }

  commands(): readonly CommandInfo[] {
    return this.#options.commands;
  }

  async sessions(query: SessionQuery): Promise<{ sessions: SessionRow[]; cursor?: string }> {
    const page = await this.#options.store.list(query);
    const sessions = await Promise.all(page.sessions.map((session) => this.#row(session)));
    return { sessions, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
  }

  async session(id: string): Promise<SessionRow | undefined> {
    const session = await this.#options.store.get(id);
    return session && (await this.#row(session));
  }

  async transcript(id: string, page: { limit: number; before?: number }): Promise<TranscriptPage> {
    await this.#known(id);
    return await this.#options.store.transcript(id, page);
  }

  queue(channel: ChannelId): Promise<QueueView> {
    return this.#options.store.queue(channel);
  }

  async cancel(id: string, by: string): Promise<ControlEffect> {
    const { channel, archivedAt } = await this.#known(id);
    if (archivedAt !== undefined) return { cancelledTurn: null, dropped: 0 };
    const event = this.#operatorEvent(channel, "/stop", by);
    const control = { command: "stop", args: "", cancel: "all", reason: `stopped by ${by}` } as const;
    const signalled = await this.#options.store.signal(event, control);
    return signalled.status === "stored" ? signalled.effect : { cancelledTurn: null, dropped: 0 };
  }

  #operatorEvent(channel: ChannelId, text: string, by: string): InboundEvent {
    return {
      ...{ channel, id: `operator-${crypto.randomUUID()}`, sender: { id: `${OPERATORS}${by}`, name: by }, text },
      ...{ sentAt: this.#options.clock.now(), addressed: true, direct: false },
    };
  }

  async remove(id: string): Promise<void> {
    const { channel, archivedAt } = await this.#known(id);
    await this.#options.store.remove(id);
    if (archivedAt === undefined) await this.#options.forget(channel);
  }

  async asks({ idle, ...query }: AskQuery & { idle?: boolean }): Promise<{ asks: AskView[]; cursor?: string }> {
    const { asks, cursor } = await this.#options.store.asks(query);
    const busy = idle ? await Promise.all(asks.map((ask) => this.#isBusy(ask))) : [];
    const shown = asks.filter((_, index) => busy[index] !== true).map(viewOf);
    return { asks: shown, ...(cursor === undefined ? {} : { cursor }) };
  }

  /** Does its channel run a turn that doesn't wait for it? */
  async #isBusy({ channel, turn }: Ask): Promise<boolean> {
    const { running } = await this.#options.store.queue(channel);
    return running !== undefined && running.id !== turn;
  }

  async ask(id: string): Promise<AskView> {
    return viewOf(await this.#knownAsk(id));
  }

  async decide(id: string, decision: Decision, by: string): Promise<{ remaining: number }> {
    const ask = await this.#knownAsk(id);
    const session = await this.#known(ask.session);
    if (session.archivedAt !== undefined) throw ended(ask.session);
    const after = await this.#options.asks.decide(ask, decision, { id: `${OPERATORS}${by}`, name: by });
    return { remaining: remainingOf(after) };
  }

  audit(page: { limit: number; after?: string }): Promise<AuditPage> {
    return this.#options.store.audit(page);
  }

  async say(id: string, text: string, by: string): Promise<Taken> {
    const { channel, archivedAt } = await this.#known(id);
    if (archivedAt !== undefined) throw ended(id);
    return await this.#options.inbox.say(this.#operatorEvent(channel, text, by));
  }

  async #knownAsk(id: string): Promise<Ask> {
    const ask = await this.#options.store.ask(id);
    if (!ask) throw new SwitchboardError("ASK_UNKNOWN", `there is no ask ${id}`);
    return ask;
  }

  deadLetters(query: { channel?: ChannelId; limit: number }): Promise<DeadLetter[]> {
    return this.#options.store.deadLetters(query);
  }

  replay(id: string): Promise<void> {
    return this.#options.store.replay(id);
  }

  discard(id: string): Promise<void> {
    return this.#options.store.discard(id);
  }

  async #known(id: string): Promise<Session> {
    const session = await this.#options.store.get(id);
    if (!session) throw new SwitchboardError("SESSION_UNKNOWN", `there is no session ${id}`);
    return session;
  }

  async #row(session: Session): Promise<SessionRow> {
    if (session.archivedAt !== undefined) return { ...session, status: "archived", waiting: 0 };
    const { running, waiting, asks, commands } = await this.#options.store.queue(session.channel);
    const status = asks > 0 ? "waiting" : running || commands > 0 ? "running" : session.error ? "error" : "idle";
    return { ...session, status, waiting: waiting.length };
  }
}

function ended(session: string): SwitchboardError {
  return new SwitchboardError("SESSION_ENDED", `session ${session} is archived`);
}
