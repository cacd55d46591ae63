/** One connection to one process of an agent, and the sessions that talk through it. */
import {
  CLIENT_METHODS,
  type ClientConnection,
  client,
  PROTOCOL_VERSION,
  RequestError,
} from "@agentclientprotocol/sdk";
import { z } from "zod";
import { AcpFailure, ended, misspoke, refused } from "./failure.ts";
import { AgentProcess, type ProcessSpec } from "./process.ts";
import { MessageTooLong, wireOf } from "./wire.ts";

/** A session's side of the connection. */
export interface Participant {
  /** Nothing more is read from the agent until it has resolved. */
  update(update: unknown): void | Promise<void>;
  /** `params` as they came. Rejects with what the agent is answered. */
  request(method: string, params: unknown, signal: AbortSignal): Promise<unknown>;
}

export type Capabilities = z.infer<typeof capabilities>;

/** An object, whatever it holds, where the agent can do it. */
const able = z
  .unknown()
  .optional()
  .transform((value) => value !== undefined && value !== null && value !== false);
const capabilities = z.object({
  loadSession: able,
  promptCapabilities: z
    .object({ image: able, embeddedContext: able })
    .prefault({})
    .catch({ image: false, embeddedContext: false }),
  mcpCapabilities: z.object({ http: able }).prefault({}).catch({ http: false }),
  sessionCapabilities: z
    .object({ resume: able, close: able, additionalDirectories: able })
    .prefault({})
    .catch({ resume: false, close: false, additionalDirectories: false }),
});
const initialized = z.object({ protocolVersion: z.number(), agentCapabilities: capabilities.nullish() });

const sessionUpdate = z.object({ sessionId: z.string(), update: z.unknown() });
/** What is asked before a session is open, such as to sign in, names none. */
const addressed = z.looseObject({ sessionId: z.string().optional() });

const SERVED = [
  CLIENT_METHODS.session_request_permission,
  CLIENT_METHODS.elicitation_create,
  CLIENT_METHODS.fs_read_text_file,
  CLIENT_METHODS.fs_write_text_file,
  CLIENT_METHODS.terminal_create,
  CLIENT_METHODS.terminal_output,
  CLIENT_METHODS.terminal_wait_for_exit,
  CLIENT_METHODS.terminal_kill,
  CLIENT_METHODS.terminal_release,
];

const CLIENT = {
  terminal: true,
  elicitation: { form: {}, url: {} },
  session: { notices: {}, compaction: {}, configOptions: { boolean: {} } },
};

export interface LinkSpec extends ProcessSpec {
  /** The gateway writes files for the agent, and reads none. */
  readonly readsItself: boolean;
}

/** A method that no agent has: its answer says that all that was written before it was read. */
const FENCE = "_switchboard/fence";

/** Milliseconds. An agent that does not answer what it does not know is not waited for any longer. */
const AT_THE_FENCE = 1_000;

/** Updates of sessions whose ids the agent has not told yet: it may say something of a session before it has answered. */
const MOST_EARLY = 64;

export class Link {
  /** Rejects with an `AcpFailure` where the agent can't be talked to. */
  readonly ready: Promise<Capabilities>;
  /** Resolves when nothing can be said to the agent any more. */
  readonly closed: Promise<void>;
  readonly #process: AgentProcess;
  readonly #readsItself: boolean;
  readonly #connection: ClientConnection;
  readonly #participants = new Map<string, Participant>();
  #early: { readonly sessionId: string; readonly update: unknown }[] = [];

  constructor(spec: LinkSpec) {
    this.#process = new AgentProcess(spec);
    this.#readsItself = spec.readsItself;
    const { child } = this.#process;
    const app = client({ name: "switchboard" });
    for (const method of SERVED) {
      app.onRequest(
        method,
        (params: unknown) => addressed.parse(params),
        ({ params, signal }) => this.#addressee(params.sessionId).request(method, params, signal),
      );
    }
    this.#connection = app.connect(
      wireOf({
        stdin: child.stdin,
        stdout: child.stdout,
        notification: (method, params) => this.#notified(method, params),
        stray: (line) => this.#process.stray(line),
      }),
    );
    this.closed = this.#connection.closed;
    // A process that it left behind may hold its output open: without the agent, nothing comes from there.
    void this.#process.exited.then(() => setTimeout(() => this.#connection.close(), AFTER_EXIT));
    // An agent that lets go of its output can't be talked to any more.
    void this.closed.then(() => this.#process.end()).catch(() => {}); // As `close` will fail too, and tell.
    this.ready = this.#initialize();
    this.ready.catch(() => {});
  }

  get isOpen(): boolean {
    return !this.#connection.signal.aborted && this.#process.isRunning;
  }

  get program(): string {
    return this.#process.name;
  }

  complaint(): Promise<string> {
    return this.#process.complaint();
  }

  attach(sessionId: string, participant: Participant): void {
    this.#participants.set(sessionId, participant);
    const early = this.#early.filter((update) => update.sessionId === sessionId);
    this.#early = [];
    for (const { update } of early) void participant.update(update);
  }

  detach(sessionId: string, participant: Participant): void {
    if (this.#participants.get(sessionId) === participant) this.#participants.delete(sessionId);
  }

  /** `doing` says in the failure what the request was for. Rejects with an `AcpFailure`. */
  async request<Answer>(method: string, params: object, answer: z.ZodType<Answer>, doing: string): Promise<Answer> {
    let given: unknown;
    try {
      given = await this.#connection.agent.request<unknown>(method, params);
    } catch (error) {
      throw await this.#failure(error, doing);
    }
    const read = answer.safeParse(given ?? {});
    if (read.success) return read.data;
    const what = `its answer to ${method} is not what it should be (${z.prettifyError(read.error)})`;
    throw misspoke(this.program, what, await this.complaint());
  }

  /** Resolves when what the agent was about to say of its own has come: some answer first, and say the rest then. */
  async fence(): Promise<void> {
    const answered = this.request(FENCE, {}, z.unknown(), "answer").catch((error: unknown) => {
      // It does not know the method, as is right; one that has ended is told of by what is wanted of it next.
      if (!(error instanceof AcpFailure)) throw error;
    });
    const late = new Promise((resolve) => setTimeout(resolve, AT_THE_FENCE).unref());
    await Promise.race([answered, late]);
  }

  /** Says it where there is somebody left to hear it. */
  async notify(method: string, params: object): Promise<void> {
    if (!this.isOpen) return;
    try {
      await this.#connection.agent.notify(method, params);
    } catch (error) {
      // It ended just now: whoever waits for what it does about it is told by that.
      if (this.isOpen) throw error;
    }
  }

  /** Ends the process and all that it started. */
  async close(): Promise<void> {
    await this.#process.end();
    this.#connection.close();
  }

  /** The same for one that does not listen. */
  async kill(): Promise<void> {
    await this.#process.kill();
    this.#connection.close();
  }

  async #initialize(): Promise<Capabilities> {
    const params = {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: { ...CLIENT, fs: { readTextFile: !this.#readsItself, writeTextFile: true } },
      clientInfo: { name: "switchboard", title: "Switchboard", version: "1" },
    };
    const { protocolVersion, agentCapabilities } = await this.request("initialize", params, initialized, "start");
    if (protocolVersion === PROTOCOL_VERSION) return agentCapabilities ?? capabilities.parse({});
    const what = `it wants version ${protocolVersion} of it, and this gateway speaks version ${PROTOCOL_VERSION}`;
    throw misspoke(this.program, what, "");
  }

  #notified(method: string, params: unknown): void | Promise<void> {
    const { success, data } = sessionUpdate.safeParse(params);
    if (method !== CLIENT_METHODS.session_update || !success) {
      for (const participant of this.#participants.values()) void participant.update({ sessionUpdate: method });
      return;
    }
    const participant = this.#participants.get(data.sessionId);
    if (participant !== undefined) return participant.update(data.update);
    this.#early = [...this.#early, data].slice(-MOST_EARLY);
  }

  #addressee(sessionId: string | undefined): Participant {
    const [only, ...others] = this.#participants.values();
    const found =
      sessionId === undefined ? (others.length === 0 ? only : undefined) : this.#participants.get(sessionId);
    if (found !== undefined) return found;
    throw RequestError.invalidParams(undefined, "no such session is open here");
  }

  async #failure(error: unknown, doing: string): Promise<AcpFailure> {
    if (error instanceof RequestError && this.isOpen) {
      return refused(this.program, doing, error, await this.complaint());
    }
    const { reason } = this.#connection.signal;
    if (reason instanceof MessageTooLong) return misspoke(this.program, reason.message, await this.complaint());
    const exit = await this.#process.exit();
    if (exit !== undefined && "message" in exit) return new AcpFailure(exit, { cause: error });
    return ended(this.program, exit, await this.complaint());
  }
}

/** Milliseconds for what an agent wrote before it ended. */
const AFTER_EXIT = 250;
