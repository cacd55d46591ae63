/** Files that come along with a message, and which of them it has after a change. */
import { isRecord, type Params } from "../telegram/params.ts";
import * as errors from "./errors.ts";
import type { Attachment } from "./wire.ts";
import type { Room, World } from "./world.ts";

export interface Upload {
  /** The n of `files[n]`. */
  readonly index: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly text: string;
}

/** What is sent along; refused as Discord does. */
export function uploadsOf(world: World, room: Room, params: Params): readonly Upload[] {
  const uploads = Array.isArray(params.files) ? params.files.filter(isUpload) : [];
  if (uploads.length > 0 && room.fileless) throw errors.missingPermissions();
  if (uploads.some(({ size }) => size > world.uploadLimit)) throw errors.tooLarge();
  return uploads;
}

/** Each entry of `attachments` names a file that comes along, by its index, or (in a change) one that is there already. */
export function namedIn(params: Params, uploads: readonly Upload[], before: readonly Attachment[] = []): Named {
  if (params.attachments === undefined) return { kept: before, uploads };
  const ids = (Array.isArray(params.attachments) ? params.attachments : []).map((entry: unknown) =>
    isRecord(entry) ? String(entry.id) : "",
  );
  const isKnown = (id: string) => uploads.some(({ index }) => index === id) || before.some((file) => file.id === id);
  if (!ids.every(isKnown)) throw errors.fileNotFound();
  return { kept: before.filter(({ id }) => ids.includes(id)), uploads };
}

interface Named {
  readonly kept: readonly Attachment[];
  readonly uploads: readonly Upload[];
}

function isUpload(value: unknown): value is Upload {
  return isRecord(value) && typeof value.text === "string" && typeof value.size === "number";
}
