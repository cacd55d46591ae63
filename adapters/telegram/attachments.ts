/** What is attached to a message of Telegram: one file at most, as an album is a message for each. Pure. */
import type { Attachment } from "../../src/model.ts";
import { type Fields, fields, integer, text } from "./fields.ts";

/** The kinds that people mean as files, and what stands in for what Telegram leaves out. An animation is a document too. */
const KINDS = [
  { field: "document", name: "file", type: "" },
  { field: "audio", name: "audio.mp3", type: "audio/mpeg" },
  { field: "voice", name: "voice.ogg", type: "audio/ogg" },
  { field: "video", name: "video.mp4", type: "video/mp4" },
  { field: "video_note", name: "video.mp4", type: "video/mp4" },
] as const;

interface Attached {
  readonly file: Attachment;
  /** Names the file in the text. */
  readonly line: string;
}

export function attachedTo(message: Fields): Attached | undefined {
  const photo = attached(largest(message.photo), "photo.jpg", "image/jpeg");
  if (photo !== undefined) return photo;
  for (const { field, name, type } of KINDS) {
    const found = attached(fields(message[field]), name, type);
    if (found !== undefined) return found;
  }
  return undefined;
}

function attached(file: Fields | undefined, otherName: string, otherType: string): Attached | undefined {
  const id = text(file?.file_id);
  if (id === "") return undefined;
  const name = onOneLine(text(file?.file_name)) || otherName;
  const type = onOneLine(text(file?.mime_type)) || otherType;
  const told = integer(file?.file_size);
  const size = told === undefined || told < 0 ? undefined : told;
  return {
    file: { id, name, type: type || "application/octet-stream", size: size ?? 0 },
    line: `[file: ${name} (${type || "unknown type"}${size === undefined ? "" : `, ${size} bytes`})]`,
  };
}

/** Telegram keeps a photo in several sizes. */
function largest(photo: unknown): Fields | undefined {
  const area = (size: Fields) => (integer(size.width) ?? 0) * (integer(size.height) ?? 0);
  let found: Fields | undefined;
  for (const entry of Array.isArray(photo) ? photo : []) {
    const size = fields(entry);
    if (size === undefined || text(size.file_id) === "") continue;
    if (found === undefined || area(size) >= area(found)) found = size;
  }
  return found;
}

/** A person chose the name: it must not look like what somebody said. */
function onOneLine(name: string): string {
  return name
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
}
