/** One turn in an agent's session: what is said to it, what it says and asks, and how that ends. */
import { AGENT_METHODS, CLIENT_METHODS, type ContentBlock, RequestError } from "@agentclientprotocol/sdk";
import type { AgentTurn, AskOutcome } from "../../agent.ts";
import type { AgentEvent, AskRequest } from "../../model.ts";
import { unlessAborted } from "../shared/run.ts";
import { elicitationParams, answerTo as elicited, questionsOf } from "./elicitation.ts";
import { readTextFile, writeTextFile } from "./files.ts";
import type { Link } from "./link.ts";
import { answerTo, isPlan, permissionOf, permissionParams, planOf } from "./permission.ts";
import { EventQueue } from "./queue.ts";
import type { Reach } from "./scope.ts";
import { Speech } from "./speech.ts";
import { type Stop, stopped, usageIn } from "./stop.ts";
import { Terminals } from "./terminals.ts";
import { Tools, titleOf } from "./tools.ts";
import { compactionIn, noticeIn, pieceOf, todoIn, toolCall } from "./updates.ts";

export interface ExchangeOptions {
  readonly link: Link;
  readonly sessionId: string;
  readonly turn: AgentTurn;
  readonly reach: Reach;
  /** The gateway's own, of which a few variables are passed on to what it runs for the agent. */
  readonly env: NodeJS.ProcessEnv;
  /** What the agent calls the turn's mode. */
  readonly mode: string | undefined;
  /** Milliseconds that the agent has to stop in. */
  readonly patience: number;
}

/** How often an agent is told, within a turn, why its requests were turned down. */
const MOST_REMARKS = 10;

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #queue = new EventQueue();
  readonly #tools = new Tools();
  readonly #speech = new Speech();
  readonly #terminals: Terminals;
  readonly #over = new AbortController();
  #remarks: string[] = [];
  /** A plan was made, which is all that was wanted. */
  #isPlanned = false;
  #isCut = false;
  #prompting: Promise<unknown> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#terminals = new Terminals(options.reach, options.env);
  }

  /** The agent was told to stop before it did by itself. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** What the agent says to the prompt, until it stops; `stop` tells how. Rejects with an `AcpFailure`. */
  async *prompt(blocks: readonly ContentBlock[]): AsyncGenerator<AgentEvent, Stop> {
    const stop = this.#converse(blocks).finally(() => this.#queue.end());
    stop.catch(() => {});
    yield* this.#queue.take();
    return await stop;
  }

  /** Called for what comes from the agent, in order. */
  update(kind: string, update: unknown): void | Promise<void> {
    if (this.#isPlanned) return;
    for (const event of this.#eventsOf(kind, update)) this.#queue.push(event);
    return this.#queue.room();
  }

  say(event: AgentEvent): void {
    this.#queue.push(event);
  }

  async request(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    const { reach, turn } = this.#options;
    const isReadOnly = turn.phase === "plan" || turn.mode === "plan";
    switch (method) {
      case CLIENT_METHODS.session_request_permission:
        return await this.#permission(params, signal);
      case CLIENT_METHODS.elicitation_create:
        return await this.#elicitation(params, signal);
      case CLIENT_METHODS.fs_read_text_file:
        return await readTextFile(reach, params);
      case CLIENT_METHODS.fs_write_text_file:
        if (isReadOnly) throw new Error("nothing is written before a plan was approved");
        return await writeTextFile(reach, params);
      case CLIENT_METHODS.terminal_create:
        if (isReadOnly) throw new Error("nothing is run before a plan was approved");
        return await this.#terminals.create(params);
      case CLIENT_METHODS.terminal_output:
        return this.#terminals.output(params);
      case CLIENT_METHODS.terminal_wait_for_exit:
        return await this.#terminals.exit(params);
      case CLIENT_METHODS.terminal_kill:
        return await this.#terminals.kill(params);
      case CLIENT_METHODS.terminal_release:
        return await this.#terminals.release(params);
      default:
        throw RequestError.methodNotFound(method);
    }
  }

  /** Resolves when the agent does nothing any more for this turn: by itself, or because it was killed. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    // What it has asked for is answered as cancelled by this: the agent can't stop before.
    this.#over.abort(new Error("the turn is over"));
    this.#queue.discard();
    await this.#cancel(this.#prompting);
    await this.#terminals.endAll();
  }

  async #converse(blocks: readonly ContentBlock[]): Promise<Stop> {
    let next: readonly ContentBlock[] = blocks;
    for (let round = 0; ; round += 1) {
      const stop = await this.#ask(next);
      const remarks = this.#remarks.splice(0);
      const isGoingOn = stop.kind !== "failed" && remarks.length > 0 && round < MOST_REMARKS;
      if (!isGoingOn || this.#over.signal.aborted) return stop;
      // The protocol has no words for why people turned something down: the agent is told as people would.
      next = [{ type: "text", text: remarks.join("\n\n") }];
      this.#speech.interrupted();
    }
  }

  async #ask(prompt: readonly ContentBlock[]): Promise<Stop> {
    const { link, sessionId } = this.#options;
    const asked = link.request(AGENT_METHODS.session_prompt, { sessionId, prompt }, stopped, "answer");
    this.#prompting = asked.catch(() => {});
    try {
      const response = await asked;
      const usage = usageIn(response);
      if (usage) this.#queue.push(usage);
      return this.#isPlanned ? { kind: "done" } : response.stop;
    } catch (error) {
      if (!this.#isPlanned) throw error;
      return { kind: "done" };
    } finally {
      this.#prompting = undefined;
    }
  }

  *#eventsOf(kind: string, update: unknown): Generator<AgentEvent> {
    yield* this.#shown(kind, update);
    yield { type: "alive" };
  }

  *#shown(kind: string, update: unknown): Generator<AgentEvent> {
    switch (kind) {
      case "agent_message_chunk": {
        const piece = pieceOf(update);
        const delta = piece && this.#speech.add(piece);
        if (delta) yield { type: "text", delta };
        return;
      }
      case "agent_thought_chunk": {
        const delta = pieceOf(update)?.text;
        if (delta) yield { type: "thought", delta };
        return;
      }
      case "tool_call":
      case "tool_call_update": {
        const part = toolCall.safeParse(update).data;
        const event = part && this.#tools.eventOf(this.#tools.merge(part));
        if (event) yield event;
        this.#speech.interrupted();
        return;
      }
      default: {
        const event = OTHERS[kind]?.(update);
        if (event) yield event;
      }
    }
  }

  async #permission(params: unknown, signal: AbortSignal): Promise<unknown> {
    const { toolCall, options } = permissionParams.parse(params);
    const call = this.#tools.merge(toolCall);
    const event = this.#tools.eventOf(call);
    if (event) this.#queue.push(event);
    this.#speech.interrupted();
    const isForPlan = isPlan(call);
    const request = isForPlan ? planOf(call, this.#tools.writtenTo(call), this.#speech.recent) : permissionOf(call);
    if (isForPlan && this.#options.turn.phase === "plan") {
      this.#planned(request.text);
      return { outcome: { outcome: "cancelled" } };
    }
    const outcome = await this.#asked(request, signal);
    if (outcome === undefined) return { outcome: { outcome: "cancelled" } };
    this.#remark(isForPlan ? "Your plan" : `Your request "${titleOf(call)}"`, outcome);
    return answerTo(outcome, options, this.#options.mode);
  }

  async #elicitation(params: unknown, signal: AbortSignal): Promise<unknown> {
    const wanted = elicitationParams.parse(params);
    const outcome = await this.#asked(questionsOf(wanted), signal);
    if (outcome === undefined) return { action: "cancel" };
    const { response, remark } = elicited(outcome, wanted);
    if (remark !== undefined) this.#remarks.push(`(Your question was not answered: ${remark})`);
    return response;
  }

  /** Undefined where the turn ended before anybody had decided. Rejects where the agent has taken it back. */
  async #asked(request: AskRequest, signal: AbortSignal): Promise<AskOutcome | undefined> {
    const over = this.#over.signal;
    try {
      return await unlessAborted(AbortSignal.any([over, signal]), () =>
        this.#options.turn.ask(request, takenBackBy(signal)),
      );
    } catch (error) {
      if (over.aborted || this.#options.turn.signal.aborted) return undefined;
      if (signal.aborted) throw RequestError.requestCancelled();
      throw error;
    }
  }

  /** The plan is the answer: the agent is stopped before it does anything. */
  #planned(plan: string): void {
    if (!this.#speech.recent.includes(plan.trim())) {
      this.#queue.push({ type: "text", delta: this.#speech.add({ text: plan, message: undefined }) });
    }
    this.#isPlanned = true;
    this.#cancel(this.#prompting).catch(() => {}); // `stop` fails in the same way, and tells.
  }

  async #cancel(prompting: Promise<unknown> | undefined): Promise<void> {
    if (prompting === undefined) return;
    this.#isCut = true;
    const { link, sessionId, patience } = this.#options;
    void link.notify(AGENT_METHODS.session_cancel, { sessionId });
    if (!(await settlesWithin(patience, prompting))) await link.kill();
  }

  #remark(what: string, outcome: AskOutcome): void {
    if (outcome.kind === "rejected" && outcome.reason) this.#remarks.push(`(${what} was rejected: ${outcome.reason})`);
    if (outcome.kind === "closed") this.#remarks.push(`(${what} was not decided: ${outcome.reason})`);
  }
}

/** Aborts where the agent takes its request back; not where its connection ends: people's answer is for the next attempt. */
function takenBackBy(signal: AbortSignal): AbortSignal {
  const takenBack = new AbortController();
  const look = () => {
    if (signal.reason instanceof RequestError) takenBack.abort(signal.reason);
  };
  if (signal.aborted) look();
  else signal.addEventListener("abort", look, { once: true });
  return takenBack.signal;
}

/** Those that need nothing but to be read. */
const OTHERS: Readonly<Record<string, (update: unknown) => AgentEvent | undefined>> = {
  plan: todoIn,
  notice: noticeIn,
  compaction_update: compactionIn,
};

async function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
