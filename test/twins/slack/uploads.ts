/** Files that the app uploads: an address, the bytes, then the message that shows them. */
import { ApiError } from "./errors.ts";
import { integer, isRecord, nested, type Params, required, text } from "./params.ts";
import type { Workspace } from "./workspace.ts";

interface Upload {
  readonly name: string;
  readonly length: number;
  bytes?: Buffer;
}

export class Uploads {
  readonly #workspace: Workspace;
  readonly #root: () => string;
  readonly #files = new Map<string, Upload>();

  constructor(workspace: Workspace, root: () => string) {
    this.#workspace = workspace;
    this.#root = root;
  }

  begin(params: Params): object {
    const name = required(params, "filename");
    const length = integer(params, "length", 0);
    if (length <= 0) throw new ApiError("invalid_arguments");
    const id = this.#workspace.id("F");
    this.#files.set(id, { name, length });
    return { upload_url: `${this.#root()}/upload/${id}`, file_id: id };
  }

  /** Whether the bytes are as many as were announced. */
  receive(id: string, bytes: Buffer): boolean {
    const upload = this.#files.get(id);
    if (upload === undefined || upload.length !== bytes.length) return false;
    upload.bytes = bytes;
    return true;
  }

  bytes(id: string): Buffer | undefined {
    return this.#files.get(id)?.bytes;
  }

  complete(params: Params): object {
    const listed = nested(params, "files", "invalid_arguments");
    if (!Array.isArray(listed)) throw new ApiError("invalid_arguments");
    const files = listed.map((file: unknown) => {
      const id = isRecord(file) && typeof file.id === "string" ? file.id : "";
      const upload = this.#files.get(id);
      if (upload?.bytes === undefined) throw new ApiError("file_not_found");
      return { id, name: upload.name, size: upload.length };
    });
    const channel = text(params, "channel_id");
    if (channel !== "") {
      const conversation = this.#workspace.conversation(channel);
      conversation.assertWritable();
      const thread = text(params, "thread_ts");
      conversation.post(this.#workspace.parts.bot.userId, {
        text: text(params, "initial_comment"),
        subtype: "file_share",
        files,
        ...(thread === "" ? {} : { thread }),
      });
    }
    return { files };
  }
}
