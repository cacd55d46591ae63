/** What people send beside text: how it looks in a message, and what lies on the server. */
import { createHash } from "node:crypto";
import type { Message } from "grammy/types";
import { findEntities } from "./entities.ts";
import { badRequest } from "./errors.ts";

export interface FileDraft {
  /** Default "document". A photo is kept in three sizes. */
  readonly kind?: "photo" | "document" | "audio" | "voice" | "video" | "video_note" | "sticker";
  /** Of a photo, voice or sticker Telegram tells none. */
  readonly name?: string;
  readonly type?: string;
  readonly bytes: Uint8Array;
  /** Default: as many as there are. */
  readonly size?: number;
  readonly caption?: string;
}

interface Stored {
  readonly unique: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** Bots get no larger ones. */
const LARGEST = 20 * 1024 * 1024;

export class Files {
  readonly #stored = new Map<string, Stored>();
  readonly #lost = new Set<string>();
  /** What bots have asked for lies on the server. */
  readonly #fetched = new Map<string, Uint8Array>();

  /** Takes a file, and makes what the message says of it. */
  take(draft: FileDraft): Partial<Message> {
    const { kind = "document", name, type, caption } = draft;
    const named = {
      ...(name === undefined ? {} : { file_name: name }),
      ...(type === undefined ? {} : { mime_type: type }),
    };
    const entities = caption === undefined ? [] : findEntities(caption);
    const said = {
      ...(caption === undefined ? {} : { caption }),
      ...(entities.length === 0 ? {} : { caption_entities: entities }),
    };
    const file = this.#keep(draft);
    const lasts = { duration: 3 };
    switch (kind) {
      case "photo": {
        const [small, middle] = [3, 2].map((part) => ({
          ...draft,
          bytes: draft.bytes.subarray(0, draft.bytes.length / part),
        }));
        const sizes = [small, middle].map((one) => (one === undefined ? file : this.#keep(one)));
        const photo = [...sizes, file].map((one, index) => ({
          ...one,
          width: 90 * 4 ** index,
          height: 60 * 4 ** index,
        }));
        return { photo, ...said } as Partial<Message>;
      }
      case "document":
        return { document: { ...file, ...named }, ...said } as Partial<Message>;
      case "audio":
        return { audio: { ...file, ...named, ...lasts }, ...said } as Partial<Message>;
      case "voice":
        return { voice: { ...file, ...lasts, mime_type: type ?? "audio/ogg" }, ...said } as Partial<Message>;
      case "video":
        return { video: { ...file, ...named, ...lasts, width: 640, height: 360 }, ...said } as Partial<Message>;
      case "video_note":
        return { video_note: { ...file, ...lasts, length: 240 } } as Partial<Message>;
      case "sticker":
        return { sticker: { ...file, type: "regular", width: 512, height: 512 } } as Partial<Message>;
    }
  }

  /** Telegram no longer has it. */
  lose(id: string): void {
    this.#lost.add(id);
  }

  /** As `getFile` answers; undefined where there is no such file. */
  locate(id: string): object | undefined {
    const stored = this.#stored.get(id);
    if (stored === undefined) return undefined;
    if (this.#lost.has(id)) throw badRequest("wrong file_id or the file is temporarily unavailable");
    if (stored.size > LARGEST) throw badRequest("file is too big");
    this.#fetched.set(stored.path, stored.bytes);
    return { file_id: id, file_unique_id: stored.unique, file_size: stored.size, file_path: stored.path };
  }

  /** What lies at a path that was told. */
  read(path: string): Uint8Array | undefined {
    return this.#fetched.get(path);
  }

  #keep({ kind = "document", name = "file", bytes, size = bytes.length }: FileDraft) {
    const number = this.#stored.size;
    const unique = `AQAD${createHash("sha256").update(`${number}`).digest("base64url").slice(0, 12)}`;
    const id = `BQACAgIAAxkBAAI${createHash("sha256").update(`id ${number}`).digest("base64url")}`;
    const extension = /\.\w+$/.exec(name)?.[0] ?? "";
    this.#stored.set(id, { unique, path: `${kind}s/file_${number}${extension}`, bytes, size });
    return { file_id: id, file_unique_id: unique, file_size: size };
  }
}
