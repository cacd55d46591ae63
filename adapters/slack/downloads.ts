/**
 * Reads what people attached. Slack is asked for each file anew: so it is known whether it is still there, and the bot's
 * token goes nowhere but where Slack itself keeps files.
 */
import { DeliveryError } from "../../src/channel.ts";
import type { Attachment } from "../../src/model.ts";
import type { SlackClient } from "./client.ts";
import { codeOf, missing, toDeliveryError } from "./errors.ts";
import { fields, text } from "./fields.ts";
import type { Page } from "./transport.ts";

export interface DownloadsOptions {
  readonly client: SlackClient;
  readonly apiUrl: string;
}

const MEBIBYTE = 1024 * 1024;
const MOST = 20 * MEBIBYTE;
const MOST_REDIRECTS = 3;

/** Where Slack keeps files, on hosts of their own. */
const HOMES = ["slack.com", "slack-gov.com"];

const NO_LONGER_THERE = new Set<string | undefined>(["file_not_found", "file_deleted"]);

export class Downloads {
  readonly #options: DownloadsOptions;

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  async download(file: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    assertSmall(file.size);
    const { url, size } = await this.#find(file, signal);
    if (size !== undefined) assertSmall(size);
    const { status, headers, body } = await this.#get(url, signal);
    if (status === 429) {
      const retryAfter = Math.min(Math.max(Number(headers.get("retry-after")) || 1, 1), 86_400) * 1000;
      throw new DeliveryError("limited", "Slack asks for a pause.", { retryAfter });
    }
    if (status === 404 || status === 410) throw gone();
    if (status === 401 || status === 403) throw refused();
    if (status !== 200) throw new DeliveryError("unavailable", `Slack answers with HTTP ${status}.`);
    if (body === undefined) throw tooLarge();
    // Who may not read a file is shown the page to sign in, as if it were the file.
    const isPage = /^text\/html/i.test(headers.get("content-type") ?? "");
    if (isPage && (!/^text\/html/i.test(file.type) || body.length !== size)) throw refused();
    return body;
  }

  /** The address of the file, as Slack names it now. */
  async #find({ id }: Attachment, signal: AbortSignal): Promise<{ url: URL; size: number | undefined }> {
    const { client } = this.#options;
    const reply = await client.call("files.info", { file: id }, signal).catch((error: unknown) => {
      if (NO_LONGER_THERE.has(codeOf(error))) throw gone();
      if (codeOf(error) === "missing_scope") throw refused();
      throw toDeliveryError(error, "read");
    });
    const file = fields(reply.file);
    const address = text(file?.url_private_download) ?? text(file?.url_private);
    const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined) throw gone();
    this.#assertSlacks(url);
    return { url, size: typeof file?.size === "number" ? file.size : undefined };
  }

  async #get(address: URL, signal: AbortSignal): Promise<Page> {
    let url = address;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const page = await this.#options.client.get(url, MOST, signal).catch((error: unknown) => {
        throw toDeliveryError(error, "read");
      });
      const location = page.headers.get("location");
      if (page.status < 300 || page.status >= 400 || location === undefined) return page;
      if (!URL.canParse(location, url.href)) break;
      url = new URL(location, url);
      this.#assertSlacks(url);
    }
    throw refused();
  }

  /** Whoever holds the token is the bot. */
  #assertSlacks({ origin, protocol, hostname }: URL): void {
    const api = new URL(this.#options.apiUrl);
    if (origin === api.origin) return;
    const isHome = [api.hostname, ...HOMES].some((home) => hostname === home || hostname.endsWith(`.${home}`));
    if (protocol !== "https:" || !isHome) {
      throw new DeliveryError(
        "refused",
        `The file is not kept by Slack, but at ${hostname}. It was not asked for there.`,
      );
    }
  }
}

function assertSmall(bytes: number): void {
  if (bytes > MOST) throw tooLarge();
}

function tooLarge(): DeliveryError {
  return new DeliveryError("refused", `The file is larger than ${MOST / MEBIBYTE} MiB.`);
}

function gone(): DeliveryError {
  return new DeliveryError("gone", "Slack no longer has the file.");
}

function refused(): DeliveryError {
  return new DeliveryError("refused", missing(["files:read"]));
}
