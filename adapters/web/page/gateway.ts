/** The page's calls to the gateway. All addresses are relative to the page. */
import type { WireAbout, WireChannels, WireError, WirePage, WirePost, WirePress, WirePressed } from "../wire.ts";

/** The gateway answered, and the answer is no. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
  }

  /** Would the same request be refused again? */
  get final(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 401 && this.status !== 429;
  }
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof Refusal && error.status === 401;
}

export const about = (): Promise<WireAbout> => call("about");

export const channels = (cursor?: string): Promise<WireChannels> =>
  call(cursor === undefined ? "channels" : `channels?cursor=${encodeURIComponent(cursor)}`);

export const messagesBefore = (channel: string, order: number): Promise<WirePage> =>
  call(`channels/${channel}/messages?before=${order}`);

/** Resolves when the gateway has made the message durable. */
export async function post(channel: string, message: WirePost): Promise<void> {
  await call(`channels/${channel}/messages`, json(message));
}

export const press = (channel: string, body: WirePress): Promise<WirePressed> =>
  call(`channels/${channel}/presses`, json(body));

export function eventsUrl(channel: string, after: number | undefined): string {
  return `channels/${channel}/events${after === undefined ? "" : `?after=${after}`}`;
}

function json(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(20_000) });
  if (!response.ok) throw new Refusal(response.status, await complaint(response));
  return (await response.json()) as T;
}

async function complaint(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as WireError;
    return `${error.message} ${error.remedy}`;
  } catch {
    // Not the gateway's own words: something between it and the page answered.
    return `${response.status} ${response.statusText}`.trim();
  }
}
