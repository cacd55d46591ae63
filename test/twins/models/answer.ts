/** One answer on its way, with what goes wrong on it. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./faults.ts";
import { complete, type FullReply, type Reply, type Sse, type Wire } from "./reply.ts";
import type { ModelRequest } from "./request.ts";

export class Answer {
  readonly #wire: Wire;
  readonly #request: ModelRequest;
  readonly #reply: FullReply;
  readonly #every: number;
  readonly #fault: Exclude<Fault, { kind: "status" }> | undefined;
  readonly #response: ServerResponse;

  constructor(
    wire: Wire,
    request: ModelRequest,
    reply: Reply,
    fault: Exclude<Fault, { kind: "status" }> | undefined,
    response: ServerResponse,
  ) {
    this.#wire = wire;
    this.#request = request;
    this.#reply = complete(reply, JSON.stringify(request.body).length, wantsUsage(request));
    this.#every = reply.every ?? 0;
    this.#fault = fault;
    this.#response = response;
  }

  /** Resolves when it was sent, or nobody wants it any more. */
  async send(): Promise<void> {
    const { stream, model } = this.#request;
    if (stream) return await this.#stream();
    if (this.#fault?.kind === "drop") return void this.#response.destroy();
    if (this.#fault?.kind === "stall") return;
    this.#response.writeHead(200, { "content-type": "application/json" });
    this.#response.end(JSON.stringify(this.#wire.whole(model, this.#reply)));
  }

  async #stream(): Promise<void> {
    const response = this.#response;
    if (this.#fault?.after === 0 && this.#fault.kind === "drop") return void response.destroy();
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
    response.flushHeaders();
    let sent = 0;
    for (const event of this.#wire.stream(this.#request.model, this.#reply)) {
      if (this.#fault !== undefined && sent === this.#fault.after) return await this.#break(this.#fault);
      if (response.destroyed) return;
      await this.#write(event);
      if (this.#every > 0) await sleep(this.#every);
      sent++;
    }
    response.end();
  }

  async #break(fault: Exclude<Fault, { kind: "status" }>): Promise<void> {
    switch (fault.kind) {
      case "drop":
        // What was written reaches the client before the connection breaks.
        await sleep(20);
        this.#response.destroy();
        return;
      case "end":
        this.#response.end();
        return;
      case "event":
        await this.#write(this.#wire.errorEvent(fault.message, fault.code));
        this.#response.end();
        return;
      case "stall":
        return;
    }
  }

  async #write({ event, data }: Sse): Promise<void> {
    const head = event === undefined ? "" : `event: ${event}\n`;
    const text = typeof data === "string" ? data : JSON.stringify(data);
    if (this.#response.write(`${head}data: ${text}\n\n`)) return;
    const closed = new AbortController();
    const stop = () => closed.abort();
    this.#response.once("close", stop);
    try {
      await once(this.#response, "drain", { signal: closed.signal });
    } catch (error) {
      if (!closed.signal.aborted) throw error;
    } finally {
      this.#response.off("close", stop);
    }
  }
}

function wantsUsage({ body: { stream_options } }: ModelRequest): boolean {
  return typeof stream_options === "object" && JSON.stringify(stream_options) === '{"include_usage":true}';
}
