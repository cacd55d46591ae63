/** The files of the workspace: what people share and what the app uploads, as Slack describes them and hands them out. */
import { ApiError } from "./errors.ts";
import { type Params, required } from "./params.ts";
import type { Workspace } from "./workspace.ts";

export interface FileContent {
  readonly name: string;
  readonly title?: string;
  /** Default "application/octet-stream". */
  readonly type?: string;
  readonly bytes: Uint8Array;
  /** Where it is, if Slack does not keep it itself. */
  readonly elsewhere?: string;
}

/** What a request for a file's bytes gets. */
export interface Handed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

interface Kept extends FileContent {
  readonly id: string;
  readonly user: string;
  readonly created: number;
  /** It was shown in a conversation, so others than its owner may see it. */
  shared: boolean;
  deleted: boolean;
}

const SIGN_IN = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to Twin</body></html>";

export class Files {
  readonly #workspace: Workspace;
  readonly #root: () => string;
  readonly #files = new Map<string, Kept>();

  constructor(workspace: Workspace, root: () => string) {
    this.#workspace = workspace;
    this.#root = root;
  }

  add(user: string, content: FileContent, id = this.#workspace.id("F")): string {
    const created = Math.floor(this.#workspace.parts.clock.now() / 1000);
    this.#files.set(id, { ...content, id, user, created, shared: false, deleted: false });
    return id;
  }

  /** Its owner deletes it. */
  remove(id: string): void {
    this.#kept(id).deleted = true;
  }

  content(id: string): FileContent | undefined {
    return this.#files.get(id);
  }

  info(params: Params): object {
    const file = this.#files.get(required(params, "file", "file_not_found"));
    if (file === undefined) throw new ApiError("file_not_found");
    if (file.deleted) throw new ApiError("file_deleted");
    return { file: this.describe(file.id), comments: [], response_metadata: { next_cursor: "" } };
  }

  /** As it stands in messages. */
  describe(id: string): object {
    const file = this.#kept(id);
    const { name, title = name, type = "application/octet-stream", bytes, user, created, deleted, elsewhere } = file;
    if (deleted) return { id, mode: "tombstone" };
    const address = `${this.#root()}/files/${id}`;
    return {
      id,
      created,
      timestamp: created,
      name,
      title,
      mimetype: type,
      filetype: name.split(".").at(-1) ?? "",
      user,
      user_team: this.#workspace.parts.teamId,
      size: bytes.length,
      mode: elsewhere === undefined ? "hosted" : "external",
      is_external: elsewhere !== undefined,
      url_private: elsewhere ?? `${address}/view`,
      ...(elsewhere === undefined ? { url_private_download: `${address}/download` } : {}),
      permalink: this.#permalink(id),
      file_access: "visible",
    };
  }

  /** The files of this user whose permalinks stand in the text: whoever posts that shares them. */
  sharedIn(text: string, user: string): string[] {
    const shown = [...this.#files.values()].filter(
      (file) => file.user === user && !file.deleted && text.includes(this.#permalink(file.id)),
    );
    for (const file of shown) file.shared = true;
    return shown.map(({ id }) => id);
  }

  share(id: string): void {
    this.#kept(id).shared = true;
  }

  /** Whether others than its owner can see it. */
  isShared(id: string): boolean {
    return this.#files.get(id)?.shared ?? false;
  }

  /** Who may not have it is sent to the page to sign in, which is no error. */
  hand(path: string, mayRead: boolean): Handed {
    if (path === "sign-in")
      return { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: SIGN_IN };
    const file = this.#files.get(path.split("/")[0] ?? "");
    if (!mayRead) return { status: 302, headers: { location: `${this.#root()}/files/sign-in` }, body: "" };
    if (file === undefined || file.deleted) return { status: 404, headers: { "content-type": "text/html" }, body: "" };
    return { status: 200, headers: { "content-type": file.type ?? "application/octet-stream" }, body: file.bytes };
  }

  #kept(id: string): Kept {
    const file = this.#files.get(id);
    if (file === undefined) throw new ApiError("file_not_found");
    return file;
  }

  #permalink(id: string): string {
    const { user, name } = this.#kept(id);
    return `https://twin.slack.com/files/${user}/${id}/${encodeURIComponent(name.toLowerCase())}`;
  }
}
