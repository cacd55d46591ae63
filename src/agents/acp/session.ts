/** One live session of an agent: opened when it is first needed, and opened again where its process has died. */
import { createHash } from "node:crypto";
import { AGENT_METHODS } from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { AgentOption, AgentSession, AgentTurn, OpenOptions } from "../../agent.ts";
import type { AcpConfig } from "../../config.ts";
import type { AgentEvent } from "../../model.ts";
import { fetchFiles, type TurnFiles } from "../shared/files.ts";
import { RunSlot, unlessAborted } from "../shared/run.ts";
import { Bill } from "./bill.ts";
import { Commands } from "./commands.ts";
import { Exchange } from "./exchange.ts";
import { AcpFailure, isMalformed, tooSlow } from "./failure.ts";
import type { Hosts, Lease } from "./hosts.ts";
import type { Participant } from "./link.ts";
import { type AcpState, type Opened, openSession, stateSchema } from "./opening.ts";
import { blocksOf } from "./prompt.ts";
import type { Settings } from "./settings.ts";
import { commandsUpdate, kindOf, modeSpokenIn, modeUpdate, optionsUpdate, usageUpdate } from "./updates.ts";

export interface SessionContext {
  readonly config: AcpConfig;
  readonly hosts: Hosts;
  /** The gateway's own, of which a few variables are passed on. */
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  /** Milliseconds that the agent has to stop in. */
  readonly patience: number;
}

interface Open extends Opened {
  readonly lease: Lease;
}

/** To restore a session may end the agent's process: after so many times, a new session takes its place. */
const MOST_RESTORES = 2;

/** Milliseconds that a shared process has to forget a session in. */
const FORGET = 1_000;

export class AcpAgentSession implements AgentSession, Participant {
  readonly #slot = new RunSlot();
  readonly #context: SessionContext;
  readonly #options: OpenOptions;
  readonly #commands = new Commands();
  readonly #bill: Bill;
  #state: AcpState | undefined;
  /** As it was given to core, which may have an older one. */
  #given: AcpState | undefined;
  #open: Open | undefined;
  #opening: Promise<Open> | undefined;
  #abandon: AbortController | undefined;
  #settings: Settings | undefined;
  #isReplay = false;
  #failedRestores = 0;
  /** Of the session that is open: what it has not been told yet, and people neither. */
  #preamble: string | undefined;
  #notices: string[] = [];
  readonly #toldNotices = new Set<string>();
  #exchange: Exchange | undefined;
  /** Nothing was answered yet since it was opened again, or since a turn was cut short. */
  #isDoubtful = false;
  /** Settles when the agent has let go of a run that was cut short. */
  #stopping: Promise<void> | undefined;
  #isClosed = false;

  constructor(context: SessionContext, options: OpenOptions) {
    this.#context = context;
    this.#options = options;
    this.#state = stateSchema.safeParse(options.state).data;
    this.#given = this.#state;
    this.#bill = new Bill(this.#state?.cost ?? 0);
  }

  run(turn: AgentTurn): AsyncIterable<AgentEvent> {
    return this.#slot.run(turn, (own) => this.#events(own));
  }

  async options(): Promise<readonly AgentOption[]> {
    const { settings } = await this.#opened();
    return settings.choices();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#slot.close();
    await this.#stopping;
    await this.#drop();
  }

  update(update: unknown): void | Promise<void> {
    const kind = kindOf(update);
    const mode = kind === "agent_message_chunk" ? modeSpokenIn(update) : undefined;
    if (mode !== undefined && this.#settings?.hasMode(mode)) {
      // Its model could say so, too: it is not believed, and the next turn sets the mode that it wants in any case.
      if (!this.#isReplay) this.#settings.modeChanged("");
      return;
    }
    switch (kind) {
      case "available_commands_update":
        this.#commands.set(commandsUpdate.safeParse(update).data?.availableCommands ?? []);
        break;
      case "current_mode_update":
        this.#settings?.modeChanged(modeUpdate.safeParse(update).data?.currentModeId ?? "");
        break;
      case "config_option_update":
        this.#settings?.optionsChanged(optionsUpdate.safeParse(update).data?.configOptions);
        break;
      case "usage_update":
        this.#count(update);
        break;
    }
    if (!this.#isReplay) return this.#exchange?.update(kind, update);
  }

  async request(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (this.#exchange) return await this.#exchange.request(method, params, signal);
    throw new Error("no turn is under way");
  }

  async *#events(turn: AgentTurn): AsyncGenerator<AgentEvent> {
    await this.#stopping;
    if (turn.signal.aborted) return;
    let stopping: Promise<void> | undefined;
    // As soon as the signal aborts and not when the consumer asks next: after a `close` it may never ask.
    const stop = () => {
      stopping ??= this.#stop();
      this.#stopping = stopping;
      return stopping;
    };
    const abort = () => void stop().catch(() => {}); // Whoever waits for it is told: the run, or `close`.
    turn.signal.addEventListener("abort", abort, { once: true });
    try {
      const last = yield* this.#work(turn);
      await stop();
      if (last) yield last;
    } catch (error) {
      await stop();
      if (!(error instanceof AcpFailure)) throw error;
      yield { type: "failed", failure: error.failure };
    } finally {
      turn.signal.removeEventListener("abort", abort);
      await stop();
    }
  }

  /** Ends what is under way; the session stays open where its process does. */
  async #stop(): Promise<void> {
    const exchange = this.#exchange;
    await exchange?.stop();
    this.#exchange = undefined;
    if (exchange?.isCut) this.#isDoubtful = true;
    if (this.#opening || !this.#open?.lease.link.isOpen) await this.#drop();
  }

  async *#work(turn: AgentTurn): AsyncGenerator<AgentEvent, AgentEvent | undefined> {
    try {
      return yield* this.#attempt(turn);
    } catch (error) {
      // Gemini, stopped in a call of a tool, never tells its model what became of it: the model refuses all from then on.
      if (!(error instanceof AcpFailure && this.#isDoubtful && isMalformed(error))) throw error;
      this.#failedRestores = MOST_RESTORES;
      await this.#letGo();
      return yield* this.#attempt(turn);
    }
  }

  async *#attempt(turn: AgentTurn): AsyncGenerator<AgentEvent, AgentEvent | undefined> {
    const open = await this.#opened();
    if (turn.signal.aborted) return undefined;
    yield* this.#news(open);
    if (turn.phase === "compact" && !(await this.#commands.has(COMPACT))) {
      yield { type: "text", delta: "This agent has no way to shorten its memory of a session." };
      return { type: "done", state: this.#stateOf(open) };
    }
    for (const text of await open.settings.prepare(turn)) yield { type: "notice", text };
    if (turn.signal.aborted) return undefined;
    const files = turn.phase === "compact" ? undefined : await filesOf(turn);
    try {
      return turn.signal.aborted ? undefined : yield* this.#talk(turn, open, files);
    } finally {
      await files?.remove();
    }
  }

  async *#talk(
    turn: AgentTurn,
    open: Open,
    files: TurnFiles | undefined,
  ): AsyncGenerator<AgentEvent, AgentEvent | undefined> {
    const { sessionId, settings, lease, can } = open;
    const told = turn.systemPrompt === undefined ? undefined : digestOf(turn.systemPrompt);
    const isNews = told !== undefined && told !== this.#state?.told;
    const preamble = this.#preamble === undefined ? {} : { preamble: this.#preamble };
    const blocks = files
      ? await blocksOf({ turn, files, isNews, can: can.promptCapabilities, ...preamble })
      : [{ type: "text" as const, text: `/${COMPACT}` }];
    if (turn.signal.aborted) return undefined;
    const { env, patience, folder } = this.#context;
    const { scope = "project", workspace } = this.#options;
    const mode = settings.modeNamed(turn.mode);
    const exchange = new Exchange({
      ...{ turn, sessionId, env, patience, mode, link: lease.link },
      reach: { folder, workspace, scope },
    });
    this.#exchange = exchange;
    let isSaid = false;
    const events = exchange.prompt(blocks);
    let next = await events.next();
    for (; !next.done; next = await events.next()) {
      if (next.value.type !== "alive") this.#isDoubtful = exchange.isCut;
      isSaid ||= next.value.type === "text";
      yield next.value;
    }
    const stop = next.value;
    this.#isDoubtful = exchange.isCut;
    this.#preamble = undefined;
    if (isNews && this.#state) this.#state = { ...this.#state, told };
    if (stop.kind === "failed") return { type: "failed", failure: stop.failure };
    if (stop.notice !== undefined) yield { type: "notice", text: stop.notice };
    if (turn.phase === "compact" && !isSaid) yield { type: "text", delta: "The agent was told to shorten its memory." };
    return { type: "done", state: this.#stateOf(open) };
  }

  /** What is to be told before anything else of a session that was opened since the last turn. */
  *#news(open: Open): Generator<AgentEvent> {
    for (const text of this.#notices.splice(0)) yield { type: "notice", text };
    if (this.#given?.sessionId === open.sessionId) return;
    const state = this.#stateOf(open);
    yield { type: "state", state };
  }

  #stateOf({ sessionId }: Open): AcpState {
    const { told } = this.#state?.sessionId === sessionId ? this.#state : {};
    const cost = this.#bill.total;
    const { folder } = this.#context;
    this.#state = {
      ...{ kind: "acp", sessionId, folder },
      ...(told === undefined ? {} : { told }),
      ...(cost === 0 ? {} : { cost }),
    };
    this.#given = this.#state;
    return this.#state;
  }

  #count(update: unknown): void {
    const cost = usageUpdate.safeParse(update).data?.cost;
    if (cost?.currency !== "USD") return;
    if (this.#isReplay) {
      this.#bill.startFrom(cost.amount);
      return;
    }
    const more = this.#exchange ? this.#bill.add(cost.amount) : 0;
    if (more > 0) this.#exchange?.say({ type: "usage", tokensIn: 0, tokensOut: 0, cost: more, costSource: "agent" });
  }

  /** Callers that come while it is being opened get the same one. Rejects with an `AcpFailure`. */
  async #opened(): Promise<Open> {
    if (this.#isClosed) throw new Error("the agent's session is closed");
    if (this.#open?.lease.link.isOpen) return this.#open;
    this.#opening ??= this.#begin().finally(() => {
      this.#opening = undefined;
    });
    return await this.#opening;
  }

  async #begin(): Promise<Open> {
    const abandon = new AbortController();
    this.#abandon = abandon;
    await this.#letGo();
    const { hosts, folder, config } = this.#context;
    const lease = hosts.lease(folder);
    const { link } = lease;
    const isLost = this.#failedRestores >= MOST_RESTORES;
    const work = openSession({
      ...{ link, folder, isLost, options: this.#options, state: this.#state, configured: config.options },
      participant: this,
      enter: (settings, isReplay) => {
        if (abandon.signal.aborted) return;
        this.#settings = settings;
        this.#isReplay = isReplay;
      },
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<"late">((resolve) => {
        timer = setTimeout(resolve, config.startTimeout, "late");
      });
      const opened = await unlessAborted(abandon.signal, () => Promise.race([work, late]));
      if (opened === "late") throw tooSlow(link.program, config.startTimeout, await link.complaint());
      if (!opened.isRestored) this.#bill.startFrom(0);
      this.#preamble = opened.preamble;
      this.#notices = opened.notices.filter((text) => !this.#toldNotices.has(text));
      for (const text of this.#notices) this.#toldNotices.add(text);
      this.#failedRestores = 0;
      this.#isDoubtful = opened.isRestored;
      this.#open = { ...opened, lease };
      return this.#open;
    } catch (error) {
      if (this.#isReplay && !abandon.signal.aborted) this.#failedRestores += 1;
      work.then(
        ({ sessionId }) => this.#forget(lease, sessionId),
        () => {}, // It was not opened, which is told by what this rejects with.
      );
      await lease.release();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#isReplay = false;
      if (this.#abandon === abandon) this.#abandon = undefined;
    }
  }

  /** Lets go of the session's process, also while it is being opened. */
  async #drop(): Promise<void> {
    const opening = this.#opening;
    this.#abandon?.abort(new Error("the agent's session was given up"));
    // Whoever wanted it is told why there is none.
    await opening?.catch(() => {});
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#commands.forget();
    if (!open) return;
    await this.#forget(open.lease, open.sessionId);
    await open.lease.release();
  }

  /** A process that others use goes on: it need not remember this one. */
  async #forget({ link, isShared }: Lease, sessionId: string): Promise<void> {
    link.detach(sessionId, this);
    if (!isShared || !link.isOpen) return;
    const { sessionCapabilities } = await link.ready;
    if (!sessionCapabilities.close) return;
    const closing = link.request(AGENT_METHODS.session_close, { sessionId }, z.unknown(), "close a session");
    const late = new Promise((resolve) => setTimeout(resolve, FORGET).unref());
    // An agent that can't forget a session keeps it until its process ends: nothing is wrong for anybody.
    await Promise.race([closing.catch(() => {}), late]);
  }
}

const COMPACT = "compact";

/** Resolves with none where the signal aborts: what was fetched by then is removed when it is there. */
async function filesOf(turn: AgentTurn): Promise<TurnFiles | undefined> {
  const fetching = fetchFiles(turn);
  try {
    return await unlessAborted(turn.signal, () => fetching);
  } catch (error) {
    if (!turn.signal.aborted) throw error;
    void fetching.then((files) => files.remove());
    return undefined;
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
