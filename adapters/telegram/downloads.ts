/** Gets what was attached to a message. Telegram tells where a file lies each time anew: that holds for an hour. */
import type { Api } from "grammy";
import { DeliveryError } from "../../src/channel.ts";
import type { Attachment } from "../../src/model.ts";
import { LARGEST_FILE, toFileError, tooLarge, unfetched } from "./errors.ts";
import { forGrammy, type Transport } from "./transport.ts";

export class Downloads {
  readonly #api: Api;
  readonly #transport: Transport;

  constructor(api: Api, transport: Transport) {
    this.#api = api;
    this.#transport = transport;
  }

  async get({ id, size }: Attachment, signal: AbortSignal): Promise<Uint8Array> {
    if (size > LARGEST_FILE) throw tooLarge();
    try {
      const found: { file_path?: unknown } = await this.#api.raw.getFile({ file_id: id }, forGrammy(signal));
      const { status, bytes } = await this.#transport.download(pathIn(found.file_path), signal);
      if (status !== 200) throw unfetched(status);
      return bytes;
    } catch (error) {
      throw toFileError(error);
    }
  }
}

/** A Bot API server of one's own may name a path on its own disk instead; it holds the token, and is not said. */
function pathIn(path: unknown): string {
  if (typeof path !== "string" || path === "") {
    throw new DeliveryError("unavailable", "Telegram does not say where the file lies.");
  }
  if (/^[/\\]|^\w:|(?:^|\/)\.\.?(?:\/|$)/.test(path)) {
    throw new DeliveryError(
      "refused",
      "The Bot API server keeps files on its own disk. Start it without --local, so that they can be fetched from it.",
    );
  }
  return path;
}
