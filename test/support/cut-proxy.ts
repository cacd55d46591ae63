/**
 * A TCP proxy in front of a Redis that knows commands and replies apart, so that it can cut a connection at exactly
 * one of them; stop passing anything on, as a broken network does; and refuse connections.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { endWithTest, freePort } from "./lifetime.ts";
import { parseCommand, replyEnd } from "./resp.ts";

/** `before`: the command never arrives. `after`: it is carried out, and its reply never arrives. */
export type CutAt = "before" | "after";

export interface CutProxyOptions {
  /** Which commands count. Default: all but those that a client sends to set up its connection. */
  readonly counts?: (command: readonly string[]) => boolean;
}

const SET_UP = new Set(["AUTH", "CLIENT", "COMMAND", "CONFIG", "HELLO", "INFO", "PING", "QUIT", "SCRIPT", "SELECT"]);

export async function startCutProxy(port: number, options: CutProxyOptions = {}): Promise<CutProxy> {
  const proxy = new CutProxy(port, options.counts ?? (([name = ""]) => !SET_UP.has(name.toUpperCase())));
  await endWithTest(() => proxy.stop());
  await proxy.admit();
  return proxy;
}

interface Cut {
  left: number;
  readonly at: CutAt;
  readonly done: (command: readonly string[]) => void;
}

export class CutProxy {
  readonly #target: number;
  readonly #counts: (command: readonly string[]) => boolean;
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #port = 0;
  #stalled = false;
  #cut: Cut | undefined;
  /** The commands that counted, by name, in order, since the last `reset`. */
  readonly commands: string[] = [];

  constructor(target: number, counts: (command: readonly string[]) => boolean) {
    this.#target = target;
    this.#counts = counts;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Begins to count anew. */
  reset(): void {
    this.commands.length = 0;
  }

  /**
   * Cuts the connection that carries the n-th counted command from now on, the first being 1. What came before it on
   * that connection is answered first. Resolves with the command when it is done.
   */
  cut(n: number, at: CutAt): Promise<readonly string[]> {
    return new Promise((done) => {
      this.#cut = { left: n, at, done };
    });
  }

  /** Forgets about a cut that has not happened. */
  disarm(): void {
    this.#cut = undefined;
  }

  /** Cuts all connections that there are now. */
  cutAll(): void {
    for (const link of [...this.#links]) link.destroy();
  }

  /** Keeps connections open and takes new ones, but passes nothing on until `flow`: a partition, not a crash. */
  stall(): void {
    this.#stalled = true;
    for (const link of this.#links) link.stall();
  }

  /** Passes on what was held back, and all that follows. */
  flow(): void {
    this.#stalled = false;
    for (const link of this.#links) link.flow();
  }

  /** Nobody listens any more; connections that there are stay. */
  refuse(): void {
    if (this.#server.listening) this.#server.close();
  }

  async admit(): Promise<void> {
    this.#port ||= await freePort();
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.refuse();
    this.cutAll();
    await closed;
  }

  #accept(socket: Socket): void {
    const link = new Link(socket, connect(this.#target, "127.0.0.1"), (command) => this.#count(command));
    this.#links.add(link);
    link.closed(() => this.#links.delete(link));
    if (this.#stalled) link.stall();
  }

  /** What is to happen to this command; undefined: nothing. */
  #count(command: readonly string[]): ReturnType<Count> {
    if (!this.#counts(command)) return undefined;
    this.commands.push((command[0] ?? "").toUpperCase());
    const cut = this.#cut;
    if (!cut) return undefined;
    cut.left -= 1;
    if (cut.left > 0) return undefined;
    this.#cut = undefined;
    return { at: cut.at, done: () => cut.done(command) };
  }
}

type Count = (command: readonly string[]) => { at: CutAt; done: () => void } | undefined;

/** One client's connection and the one to the server that it goes on by. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #count: Count;
  /** Forwarded commands whose replies are still to come, oldest first; what stands there is called instead of replying. */
  #awaited: ((() => void) | undefined)[] = [];
  #requests: Buffer = Buffer.alloc(0);
  #replies: Buffer = Buffer.alloc(0);
  /** Called once nothing is awaited any more; nothing more is forwarded. */
  #last: (() => void) | undefined;
  /** A subscriber's replies belong to no command: from then on bytes are just passed on. */
  #plain = false;

  constructor(client: Socket, server: Socket, count: Count) {
    this.#client = client;
    this.#server = server;
    this.#count = count;
    client.setNoDelay(true).on("data", (chunk) => this.#request(chunk));
    server.setNoDelay(true).on("data", (chunk) => this.#reply(chunk));
    for (const socket of [client, server]) {
      // A cut connection is what this is for: "close" follows and takes the other half along.
      socket.on("error", () => {});
      socket.on("close", () => this.destroy());
    }
  }

  closed(callback: () => void): void {
    this.#client.once("close", callback);
  }

  stall(): void {
    this.#client.pause();
    this.#server.pause();
  }

  flow(): void {
    this.#client.resume();
    this.#server.resume();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #request(chunk: Buffer): void {
    if (this.#plain) {
      this.#server.write(chunk);
      return;
    }
    this.#requests = Buffer.concat([this.#requests, chunk]);
    while (!this.#last) {
      const parsed = parseCommand(this.#requests);
      if (!parsed) return;
      const bytes = this.#requests.subarray(0, parsed.end);
      this.#requests = this.#requests.subarray(parsed.end);
      const cut = this.#count(parsed.command);
      const end = () => {
        this.destroy();
        cut?.done();
      };
      if (cut?.at === "before") {
        this.#last = end;
        if (this.#awaited.length === 0) end();
        return;
      }
      this.#server.write(bytes);
      if (/subscribe$/i.test(parsed.command[0] ?? "")) {
        this.#plain = true;
        this.#server.write(this.#requests);
        return;
      }
      this.#awaited.push(cut ? end : undefined);
    }
  }

  #reply(chunk: Buffer): void {
    if (this.#plain) {
      this.#client.write(chunk);
      return;
    }
    this.#replies = Buffer.concat([this.#replies, chunk]);
    for (;;) {
      const end = replyEnd(this.#replies, 0);
      if (end === undefined) return;
      const bytes = this.#replies.subarray(0, end);
      this.#replies = this.#replies.subarray(end);
      const push = bytes[0] === ">".charCodeAt(0);
      const cut = push ? undefined : this.#awaited.shift();
      if (cut) {
        cut();
        return;
      }
      this.#client.write(bytes);
      if (this.#last && this.#awaited.length === 0) {
        // Not before what was just written has left.
        const last = this.#last;
        this.#client.write("", () => last());
        return;
      }
    }
  }
}
