/** Files that the app uploads: an address, the bytes, then the file, and the message that shows it where one is asked for. */
import { ApiError } from "./errors.ts";
import type { Files } from "./files.ts";
import { integer, isRecord, nested, type Params, required, text } from "./params.ts";
import type { Workspace } from "./workspace.ts";

interface Upload {
  readonly name: string;
  readonly length: number;
  bytes?: Buffer;
}

export class Uploads {
  /** Why no more is taken, in Slack's words. */
  refusal: string | undefined;
  /** What was uploaded is named by its id alone, as Slack did for long. */
  brief = false;
  readonly #workspace: Workspace;
  readonly #root: () => string;
  readonly #files: Files;
  readonly #uploads = new Map<string, Upload>();

  constructor(workspace: Workspace, files: Files, root: () => string) {
    this.#workspace = workspace;
    this.#files = files;
    this.#root = root;
  }

  begin(params: Params): object {
    const name = required(params, "filename");
    const length = integer(params, "length", 0);
    if (length <= 0) throw new ApiError("invalid_arguments");
    if (this.refusal !== undefined) throw new ApiError(this.refusal);
    const id = this.#workspace.id("F");
    this.#uploads.set(id, { name, length });
    return { upload_url: `${this.#root()}/upload/${id}`, file_id: id };
  }

  /** Whether the bytes are as many as were announced. */
  receive(id: string, bytes: Buffer): boolean {
    const upload = this.#uploads.get(id);
    if (upload === undefined || upload.length !== bytes.length) return false;
    upload.bytes = bytes;
    return true;
  }

  complete(params: Params): object {
    const listed = nested(params, "files", "invalid_arguments");
    if (!Array.isArray(listed) || listed.length === 0) throw new ApiError("invalid_arguments");
    const { userId } = this.#workspace.parts.bot;
    const ids = listed.map((file: unknown) => {
      const id = isRecord(file) && typeof file.id === "string" ? file.id : "";
      const upload = this.#uploads.get(id);
      if (upload?.bytes === undefined) throw new ApiError("file_not_found");
      const title = isRecord(file) && typeof file.title === "string" ? { title: file.title } : {};
      return this.#files.add(userId, { name: upload.name, type: "text/plain", bytes: upload.bytes, ...title }, id);
    });
    const channel = text(params, "channel_id");
    if (channel !== "") {
      const conversation = this.#workspace.conversation(channel);
      conversation.assertWritable();
      for (const id of ids) this.#files.share(id);
      const thread = text(params, "thread_ts");
      conversation.post(userId, {
        text: text(params, "initial_comment"),
        subtype: "file_share",
        files: ids.map((id) => this.#files.describe(id)),
        ...(thread === "" ? {} : { thread }),
      });
    }
    return { files: ids.map((id) => (this.brief ? { id } : this.#files.describe(id))) };
  }
}
