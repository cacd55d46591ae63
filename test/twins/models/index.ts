/**
 * Model servers for tests, on loopback: OpenAI's Chat Completions and Responses, Anthropic's Messages and Google's
 * Gemini API, streamed or whole, with tool calls and usage. Prompts script what they answer (`script.ts`), or a test
 * does; faults can be injected, and all requests are kept to look at.
 *
 * ```ts
 * const twin = await startModelTwin();
 * twin.openai;     // "http://127.0.0.1:…/v1": base URL of OpenAI-shaped clients
 * twin.anthropic;  // "http://127.0.0.1:…": ANTHROPIC_BASE_URL; the AI SDK wants `${twin.anthropic}/v1`
 * twin.gemini;     // "http://127.0.0.1:…": GOOGLE_GEMINI_BASE_URL
 * twin.on(/weather/, { text: ["It rains."] });
 * twin.fault({ kind: "status", status: 529, retryAfter: 1 });
 * ```
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { eventually } from "../../support/eventually.ts";
import { Answer } from "./answer.ts";
import { type Fault, type FaultOptions, Faults } from "./faults.ts";
import { placeIn } from "./gemini-request.ts";
import type { Reply } from "./reply.ts";
import { type ModelRequest, newest, parseRequest, type WireName } from "./request.ts";
import { answerTo } from "./script.ts";
import { wires } from "./wires.ts";

export type { Fault } from "./faults.ts";
export type { Reply } from "./reply.ts";
export type { ModelRequest } from "./request.ts";

export interface ModelTwinOptions {
  /** Default 0: any free one. */
  readonly port?: number;
  /** The only key that it takes. Default: any. */
  readonly key?: string;
  /** The models that it has; others are 404. Default: it has any, and lists "twin-model". */
  readonly models?: readonly string[];
}

const PATHS: Readonly<Record<string, WireName>> = {
  "/v1/chat/completions": "chat",
  "/v1/responses": "responses",
  "/v1/messages": "messages",
};

export async function startModelTwin(options: ModelTwinOptions = {}): Promise<ModelTwin> {
  const twin = new ModelTwin(options);
  await twin.listen(options.port ?? 0);
  return twin;
}

export class ModelTwin {
  /** All that it was asked, in order, refused ones included. */
  readonly requests: ModelRequest[] = [];
  readonly #options: ModelTwinOptions;
  readonly #server: Server;
  readonly #faults = new Faults();
  readonly #replies: { match: Match; reply: Scripted }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Set<Answer>();

  constructor(options: ModelTwinOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  get openai(): string {
    return `${this.url}/v1`;
  }

  get anthropic(): string {
    return this.url;
  }

  get gemini(): string {
    return this.url;
  }

  /** How many answers are under way. */
  get open(): number {
    return this.#answers.size;
  }

  /** The newest request. */
  get last(): ModelRequest {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error("the model was asked nothing yet");
    return last;
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Ends every connection, and resolves when nobody can reach it any more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Answers prompts that match so from now on; the newest rule wins. A pattern is sought in what people said last. */
  on(match: Match, reply: Scripted): void {
    this.#replies.unshift({ match, reply });
  }

  fault(fault: Fault, options?: FaultOptions): void {
    this.#faults.add(fault, options);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Resolves when the condition holds. */
  async until(condition: () => boolean, what = "a state of the model twin"): Promise<void> {
    await eventually(condition, what);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://twin");
    const text = await bodyOf(request);
    const name = PATHS[pathname] ?? (placeIn(pathname) ? "gemini" : undefined);
    if (name === undefined) return this.#other(pathname, response);
    const wire = wires[name];
    const refuse = (status: number, message: string, code?: string, headers: Record<string, string> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(wire.error(status, message, code)));
    };
    const asked = parseRequest(name, pathname, request.headers, JSON.parse(text));
    if ("invalid" in asked) return refuse(400, asked.invalid);
    this.requests.push(asked);
    const { key, models } = this.#options;
    const { authorization, ...headers } = request.headers;
    const given = authorization?.replace(/^Bearer /, "") ?? headers["x-api-key"] ?? headers["x-goog-api-key"];
    if (key !== undefined && given !== key) return refuse(401, "Incorrect API key provided.", "invalid_api_key");
    if (models !== undefined && !models.includes(asked.model)) {
      return refuse(
        404,
        `The model \`${asked.model}\` does not exist.`,
        name === "messages" ? undefined : "model_not_found",
      );
    }
    const fault = this.#faults.take(asked);
    if (fault?.kind === "status") {
      const after = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
      return refuse(fault.status, fault.message ?? `Fault ${fault.status}.`, fault.code, after);
    }
    const answer = new Answer(wire, asked, this.#replyTo(asked), fault, response);
    this.#answers.add(answer);
    response.once("close", () => this.#answers.delete(answer));
    await answer.send();
  }

  #replyTo(request: ModelRequest): Reply {
    const { user } = newest(request);
    const rule = this.#replies.find(({ match }) => (typeof match === "function" ? match(request) : match.test(user)));
    if (rule === undefined) return answerTo(request);
    return typeof rule.reply === "function" ? rule.reply(request) : rule.reply;
  }

  #other(path: string, response: ServerResponse): void {
    const models = this.#options.models ?? ["twin-model"];
    const known: Readonly<Record<string, unknown>> = {
      "/v1/models": { object: "list", data: models.map((id) => ({ id, object: "model", owned_by: "twin" })) },
      "/api/tags": { models: models.map((name) => ({ name, model: name })) },
      "/v1/messages/count_tokens": { input_tokens: 100 },
    };
    const body = known[path] ?? (path.endsWith(":countTokens") ? { totalTokens: 100 } : undefined);
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? { error: { message: `nothing is at ${path}` } }));
  }
}

type Match = RegExp | ((request: ModelRequest) => boolean);
type Scripted = Reply | ((request: ModelRequest) => Reply);

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
