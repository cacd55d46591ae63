/** The Web API with the bot's token: Slack's own client, without its retries (they post twice) and its waiting. */
import { LogLevel, webApi } from "@slack/bolt";
import type { Clock } from "../../src/model.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import type { Identity } from "./parse.ts";
import { createTransport, type Page, type Transport } from "./transport.ts";

export interface ClientOptions {
  readonly apiUrl: string;
  readonly botToken: string;
  readonly clock: Clock;
  /** Milliseconds for a call. */
  readonly deadline: number;
}

export interface Account extends Identity {
  /** The scopes of the token; undefined where Slack does not say. */
  readonly scopes: readonly string[] | undefined;
}

/** What fails is told by errors; Slack's client would print it. */
const SILENT = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  setName() {},
  getLevel: () => LogLevel.ERROR,
};

export class SlackClient {
  /** For other clients of Slack's: the same connections, and no retries either. */
  readonly webOptions: webApi.WebClientOptions;
  readonly #transport: Transport;
  readonly #web: webApi.WebClient;
  readonly #authorization: string;

  constructor({ apiUrl, botToken, clock, deadline }: ClientOptions) {
    this.#transport = createTransport({ apiUrl, clock, deadline });
    this.webOptions = {
      slackApiUrl: `${apiUrl}/`,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      // A call must not wait behind others: it would run without its own signal, and late.
      maxRequestConcurrency: Number.POSITIVE_INFINITY,
      fetch: this.#transport.fetch,
      logger: SILENT,
    };
    this.#web = new webApi.WebClient(botToken, this.webOptions);
    this.#authorization = `Bearer ${botToken}`;
  }

  /** Rejects with the errors of Slack's client. */
  async call(method: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<Fields> {
    const run = () => this.#web.apiCall(method, args);
    const reply: unknown = await (signal === undefined ? run() : this.#transport.withSignal(signal, run));
    return fields(reply) ?? {};
  }

  /** Says something at an address that came with an interaction. Rejects where it was not taken. */
  respond(address: string, said: Record<string, unknown>): Promise<void> {
    return this.#transport.post(address, "application/json; charset=utf-8", JSON.stringify(said));
  }

  /** Brings a file to the address that Slack named for it. Rejects where it was not taken. */
  put(address: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#transport.post(address, "application/octet-stream", bytes, signal);
  }

  /** Reads a file with the bot's token: the caller knows whom that is shown to. Follows no redirect. */
  get(url: URL, most: number, signal: AbortSignal): Promise<Page> {
    return this.#transport.get(url, { authorization: this.#authorization }, most, signal);
  }

  /** Who the bot is. */
  async identify(signal?: AbortSignal): Promise<Account> {
    const reply = await this.call("auth.test", {}, signal);
    const [team, user] = [text(reply.team_id), text(reply.user_id)];
    if (team === undefined || user === undefined) throw new Error("auth.test answers without ids");
    const scopes = fields(reply.response_metadata)?.scopes;
    return { team, user, scopes: Array.isArray(scopes) ? list(scopes).map(String) : undefined };
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
