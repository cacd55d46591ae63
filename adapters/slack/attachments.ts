/** The files of a message: those that can be read, and how each is named in the text. Pure. */
import type { Attachment } from "../../src/model.ts";
import { type Fields, fields, list, text } from "./fields.ts";

/** What is left of a file that was deleted, or that the workspace's plan no longer shows. */
const LOST = new Set<unknown>(["tombstone", "hidden_by_limit"]);

/** What Slack itself keeps, and still has. */
export function attachmentsOf(message: Fields): Attachment[] {
  return filesOf(message).flatMap((file) => {
    const id = text(file.id);
    if (id === undefined || isLost(file) || file.mode === "external" || file.is_external === true) return [];
    const type = text(file.mimetype) ?? "application/octet-stream";
    return [{ id, name: nameOf(file), type, size: bytesOf(file) ?? 0 }];
  });
}

export function fileLines(message: Fields): string[] {
  return filesOf(message).map((file) => {
    const size = bytesOf(file);
    const about = isLost(file)
      ? ["not there any more"]
      : [text(file.mimetype) ?? text(file.filetype), size === undefined ? undefined : inUnits(size)];
    const told = about.filter((part) => part !== undefined).join(", ");
    const url = text(file.url_private) ?? text(file.permalink);
    const named = `[file: ${nameOf(file).replace(/[[\]\n]/g, " ")}${told === "" ? "" : ` (${told})`}]`;
    return url === undefined || isLost(file) ? named : `${named}(${url})`;
  });
}

function filesOf(message: Fields): Fields[] {
  return list(message.files)
    .map(fields)
    .filter((file) => file !== undefined);
}

function isLost(file: Fields): boolean {
  return LOST.has(file.mode);
}

function nameOf(file: Fields): string {
  return text(file.name) ?? text(file.title) ?? "file";
}

function bytesOf({ size }: Fields): number | undefined {
  return typeof size === "number" && size >= 0 ? size : undefined;
}

function inUnits(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
