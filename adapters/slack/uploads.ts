/**
 * Uploads files that nobody sees yet: one is shared by the message that links to it (docs.slack.dev/messaging/working-with-files;
 * slackapi/bolt-python#1018). Slack can also post a file by itself when its upload ends. But that message comes some time
 * later, its id is not said, and it carries no metadata: a link is posted once, and found again, like everything else.
 */
import { DeliveryError } from "../../src/channel.ts";
import { describe } from "../../src/errors.ts";
import type { SlackClient } from "./client.ts";
import type { Log } from "./delivery.ts";
import { codeOf, toDeliveryError } from "./errors.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import type { Filed } from "./files.ts";

/** Slack takes no file, or not this one. */
class Refusal extends Error {}

export class Uploads {
  readonly #client: SlackClient;
  readonly #log: Log;

  constructor(client: SlackClient, log: Log) {
    this.#client = client;
    this.#log = log;
  }

  /** Gives the file's permalink; undefined where Slack takes none. Repeated, it leaves a file that nobody sees. */
  async upload({ name, text: content }: Filed, signal: AbortSignal): Promise<string | undefined> {
    try {
      const bytes = Buffer.from(content.toWellFormed());
      const begun = await this.#call("files.getUploadURLExternal", { filename: name, length: bytes.length }, signal);
      const [address, id] = [text(begun.upload_url), text(begun.file_id)];
      if (address === undefined || id === undefined) throw new Refusal("Slack names no place for it");
      await this.#put(address, bytes, signal);
      const ended = await this.#call("files.completeUploadExternal", { files: [{ id, title: name }] }, signal);
      const told = text(fields(list(ended.files)[0])?.permalink);
      return told ?? (await this.#permalink(id, signal));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#log("warn", "a file could not be uploaded; what is in it is shown in messages", { cause: error.message });
      return undefined;
    }
  }

  async #permalink(id: string, signal: AbortSignal): Promise<string> {
    const { file } = await this.#call("files.info", { file: id }, signal);
    const permalink = text(fields(file)?.permalink);
    if (permalink === undefined) throw new Refusal("Slack does not say where it is");
    return permalink;
  }

  /** Files have a host of their own: where that can't be reached, messages may pass all the same. */
  async #put(address: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.put(address, bytes, signal);
    } catch (error) {
      if (signal.aborted) throw new DeliveryError("unavailable", "Given up before it was sent.");
      throw new Refusal(describe(error));
    }
  }

  /** Nothing that is done here can be seen: whatever went wrong, it was certainly not sent. */
  async #call(method: string, args: Record<string, unknown>, signal: AbortSignal): Promise<Fields> {
    try {
      return await this.#client.call(method, args, signal);
    } catch (error) {
      const failure = toDeliveryError(error, "read");
      const code = codeOf(error);
      const refused = failure.kind === "refused" || failure.kind === "gone" || code === "missing_scope";
      throw refused ? new Refusal(`${method}: ${code ?? failure.message}`) : failure;
    }
  }
}
