/**
 * A session's open agents: its own, and the one that makes its plans. Each is opened for the first who needs it, with
 * the folder and reach that the session has by then, and opened anew where those have changed.
 */
import type { AgentSession } from "../agent.ts";
import { describe } from "../errors.ts";
import type { AgentFailure, Json, Session } from "../model.ts";
import { within } from "./clock.ts";
import type { Context } from "./context.ts";
import { type Workplace, workplaceOf } from "./projects.ts";

/** Milliseconds that an agent gets to end a turn, or itself. */
const LONGEST_END = 10_000;

interface Member {
  readonly session: string;
  /** What it was opened with: another session, folder or reach needs another one. */
  readonly terms: string;
  readonly opening: Promise<AgentSession>;
}

export interface Post {
  readonly agent: string;
  readonly state?: Json;
}

export class Crew {
  readonly #context: Context;
  readonly #members = new Map<string, Member>();
  #isOver = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Callers that come while it is being opened get the same one. Rejects with `CannotOpen`. */
  async member(session: Session, post: Post): Promise<AgentSession> {
    const { projects, workspace } = this.#context;
    const workplace = workplaceOf(session, projects, workspace);
    if (!workplace) throw new CannotOpen("PROJECT_UNKNOWN", withoutProject(session.project), false);
    const { folder, scope } = workplace;
    const terms = JSON.stringify([session.id, folder, scope]);
    const found = this.#members.get(post.agent);
    if (found?.terms === terms) return await found.opening;
    // Known from here on, also while the one before is being closed: whoever comes meanwhile opens no other.
    const member = { session: session.id, terms, opening: this.#open(session, post, workplace, found) };
    this.#members.set(post.agent, member);
    try {
      return await member.opening;
    } catch (error) {
      if (this.#members.get(post.agent) === member) this.#members.delete(post.agent);
      throw error;
    }
  }

  /** As `member`, for who looks only: one that is open stays as it is, it may be at work on what it was opened for. */
  async present(session: Session, post: Post): Promise<AgentSession> {
    const found = this.#members.get(post.agent);
    return await (found?.session === session.id ? found.opening : this.member(session, post));
  }

  hasMoreThan(names: readonly string[]): boolean {
    return [...this.#members.keys()].some((name) => !names.includes(name));
  }

  /** Closes those that are not among these: the session has another agent now. */
  async keep(names: readonly string[]): Promise<void> {
    const others = [...this.#members.keys()].filter((name) => !names.includes(name));
    await Promise.all(others.map((name) => this.dismiss(name)));
  }

  /** Closes one, also while it is still being opened. */
  async dismiss(name: string): Promise<void> {
    const member = this.#members.get(name);
    this.#members.delete(name);
    if (member) await this.release(closed(member));
  }

  /** Closes all. From now on none is opened: what was begun before goes on for a moment. */
  async disband(): Promise<void> {
    this.#isOver = true;
    await this.keep([]);
  }

  /** Waits for an agent to let go, but not for ever. Never rejects. */
  async release(letting: Promise<unknown>): Promise<void> {
    const { clock, emit } = this.#context;
    try {
      if (await within(clock, LONGEST_END, letting)) return;
      emit({ type: "fault", doing: "end an agent", error: new Error(`it did not let go within ${LONGEST_END} ms`) });
    } catch (error) {
      emit({ type: "fault", doing: "close an agent", error });
    }
  }

  async #open(
    { id, channel }: Session,
    { agent: name, state }: Post,
    workplace: Workplace,
    before: Member | undefined,
  ): Promise<AgentSession> {
    const { store } = this.#context;
    const agent = this.#context.agent(name);
    if (!agent) throw new CannotOpen("AGENT_UNKNOWN", `the agent "${name}" is not configured`, false);
    if (before) await this.release(closed(before));
    if (this.#isOver) throw new CannotOpen("SESSION_CLOSED", "its session was given up in this moment", true);
    try {
      return await agent.open({
        ...{ session: id, channel, ...workplace },
        transcript: async (limit) => (await store.transcript(id, { limit })).entries,
        ...(state === undefined ? {} : { state }),
      });
    } catch (error) {
      const message = `the agent "${name}" could not be started: ${describe(error)}`;
      throw new CannotOpen("AGENT_OPEN_FAILED", message, true);
    }
  }
}

async function closed({ opening }: Member): Promise<void> {
  let agent: AgentSession;
  try {
    agent = await opening;
  } catch {
    return; // Whoever had it opened was told why it could not be.
  }
  await agent.close();
}

function withoutProject(name: string | undefined): string {
  return `the project \`${name}\`, which this session works on, is not configured any more: \`/project\` lists those that are`;
}

/** Why there is no agent: what the turn, or the command, fails with. */
export class CannotOpen extends Error {
  readonly failure: AgentFailure;

  constructor(code: string, message: string, retryable: boolean) {
    super(message);
    this.failure = { code, message, retryable, ...(retryable ? { told: true } : {}) };
  }
}
