/**
 * What is attached to a message of Discord → files. Pure. A file's link is signed and holds for about a day; so its id
 * names the message too, where a fresh link can be had: `<message>/<attachment>/<link>`.
 */
import type { Attachment } from "../../src/model.ts";
import { type Fields, fields, list, text } from "./fields.ts";
import { isSnowflake } from "./snowflake.ts";

interface Handle {
  readonly message: string;
  readonly attachment: string;
  /** As it was when the message was read. */
  readonly link: string;
}

function isLink(url: string): boolean {
  return /^https?:\/\/\S+$/.test(url) && URL.canParse(url);
}

export function filesIn(message: Fields): Attachment[] {
  const { id: of } = message;
  if (!isSnowflake(of)) return [];
  return list(message.attachments).flatMap((entry) => {
    const file = fields(entry);
    const link = text(file?.url);
    if (file === undefined || !isSnowflake(file.id) || !isLink(link)) return [];
    const type = onOneLine(text(file.content_type)) || "application/octet-stream";
    return [{ id: `${of}/${file.id}/${link}`, name: nameOf(file), type, size: sizeOf(file) ?? 0 }];
  });
}

/** Each is named in the text, with its link. */
export function linesIn(message: Fields): string[] {
  return list(message.attachments).flatMap((entry) => {
    const file = fields(entry);
    const link = text(file?.url);
    if (file === undefined || link === "") return [];
    const type = onOneLine(text(file.content_type)) || "unknown type";
    const size = sizeOf(file);
    return [`[file: ${nameOf(file)} (${type}${size === undefined ? "" : `, ${size} bytes`})](${link})`];
  });
}

export function handleOf(id: string): Handle | undefined {
  const [, message = "", attachment = "", link = ""] = /^(\d{15,20})\/(\d{15,20})\/(https?:\/\/\S+)$/.exec(id) ?? [];
  return message === "" || !isLink(link) ? undefined : { message, attachment, link };
}

/** The link that a message has now for this attachment. */
export function linkIn(raw: unknown, attachment: string): string | undefined {
  const file = list(fields(raw)?.attachments)
    .map(fields)
    .find((one) => one?.id === attachment);
  const link = text(file?.url);
  return isLink(link) ? link : undefined;
}

function nameOf(file: Fields): string {
  return onOneLine(text(file.filename)) || "unnamed";
}

function sizeOf({ size }: Fields): number | undefined {
  return typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

/** A person chose the name: it must not look like what somebody said. */
function onOneLine(name: string): string {
  return name
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
}
