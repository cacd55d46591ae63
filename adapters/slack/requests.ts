/**
 * Receives by HTTP: events, interactions and slash commands, all at one address. A request is answered with 200 only
 * when core has taken what it brought, else with 503: Slack sends events again then, at once, after one minute and after
 * five. Not so interactions: see presses.ts.
 */
import { verifySlackRequest } from "@slack/bolt";
import { describe } from "../../src/errors.ts";
import type { Clock } from "../../src/model.ts";
import { fields, json, text } from "./fields.ts";
import type { Reply } from "./presses.ts";
import type { Envelope } from "./socket.ts";

export interface RequestsOptions {
  readonly signingSecret: string;
  readonly clock: Clock;
  /** Milliseconds until a request is answered, whatever core does. Slack waits for three seconds. */
  readonly answerWithin: number;
  /** Resolves when it may be acknowledged, with what to say then; rejects where not. In time by itself for interactions. */
  readonly onEnvelope: (envelope: Omit<Envelope, "id">) => Promise<Reply>;
  /** Told of each request whether its signature was right. */
  readonly onSigned: (right: boolean) => void;
  readonly log: (message: string) => void;
}

/** Milliseconds that a request's time may lie off ours. */
const MAX_SKEW = 5 * 60_000;

export class Requests {
  readonly #options: RequestsOptions;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  async fetch(request: Request): Promise<Response> {
    if (request.method !== "POST") return answer(405, "Slack posts its events here.");
    const body = await request.text();
    const right = this.#isSigned(request.headers, body);
    this.#options.onSigned(right);
    if (!right) return answer(401, "The signature is not Slack's.");
    const payload = payloadOf(request.headers.get("content-type") ?? "", body);
    if (payload === undefined) return answer(200);
    const challenge = text(fields(payload.payload)?.challenge);
    if (payload.type === "url_verification") return answer(200, challenge ?? "");
    return await this.#handle(payload);
  }

  async #handle(payload: Omit<Envelope, "id">): Promise<Response> {
    const { clock, answerWithin, onEnvelope, log } = this.#options;
    let late = () => {};
    const enough = new Promise<Response>((resolve) => {
      if (payload.type === "interactive") return;
      late = clock.after(answerWithin, () => resolve(answer(503, "It can't be stored now.")));
    });
    const taken = onEnvelope(payload).then(
      (reply) => (Object.keys(reply).length === 0 ? answer(200) : Response.json(reply)),
      (error: unknown) => {
        log(`not acknowledged: ${describe(error)}`);
        return answer(503, "It can't be stored now.");
      },
    );
    try {
      return await Promise.race([taken, enough]);
    } finally {
      late();
    }
  }

  /** Bolt compares in constant time, and refuses what is older than five minutes; not what is far ahead. */
  #isSigned(headers: Headers, body: string): boolean {
    const { signingSecret, clock, log } = this.#options;
    const at = Number(headers.get("x-slack-request-timestamp") ?? Number.NaN);
    const signature = headers.get("x-slack-signature") ?? "";
    try {
      if (!(at * 1000 - clock.now() < MAX_SKEW)) throw new Error("the request's time is missing, or lies ahead");
      verifySlackRequest({
        signingSecret,
        body,
        headers: { "x-slack-signature": signature, "x-slack-request-timestamp": at },
        nowMilliseconds: clock.now(),
      });
      return true;
    } catch (error) {
      log(`a request was refused: ${describe(error)}`);
      return false;
    }
  }
}

/** In the words of Socket Mode; undefined where it is nothing that Slack sends. */
function payloadOf(type: string, body: string): Omit<Envelope, "id"> | undefined {
  if (/^application\/json/i.test(type)) {
    const payload = json(body);
    const kind = text(fields(payload)?.type);
    return { type: kind === "url_verification" ? kind : "events_api", payload };
  }
  const form = new URLSearchParams(body);
  if (form.has("payload")) return { type: "interactive", payload: json(form.get("payload") ?? "") };
  return form.has("command") ? { type: "slash_commands", payload: Object.fromEntries(form) } : undefined;
}

function answer(status: number, body = ""): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
