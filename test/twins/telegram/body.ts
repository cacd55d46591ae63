import type { IncomingMessage } from "node:http";
import { badRequest } from "./errors.ts";
import { isRecord, type Params } from "./params.ts";

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The parameters of a call: those of the query string, then those of a JSON, urlencoded or multipart body. */
export function parseParams(query: URLSearchParams, contentType: string, body: Buffer): Params {
  return { ...Object.fromEntries(query), ...parseBody(contentType, body) };
}

function parseBody(contentType: string, body: Buffer): Params {
  if (body.length === 0) return {};
  const [type = ""] = contentType.split(";");
  switch (type.trim().toLowerCase()) {
    case "application/json":
      return parseJson(body.toString("utf8"));
    case "application/x-www-form-urlencoded":
      return Object.fromEntries(new URLSearchParams(body.toString("utf8")));
    case "multipart/form-data":
      return parseMultipart(body, boundaryOf(contentType));
    default:
      return {};
  }
}

function parseJson(source: string): Params {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    throw badRequest("can't parse JSON object");
  }
  if (!isRecord(value)) throw badRequest("expected an object as request body");
  return value;
}

function boundaryOf(contentType: string): string {
  const found = /boundary=(?:"([^"]+)"|([^;]+))/i.exec(contentType);
  return (found?.[1] ?? found?.[2] ?? "").trim();
}

/** Files are kept as `{ filename, size }`: nothing here looks into them. */
function parseMultipart(body: Buffer, boundary: string): Params {
  if (boundary === "") throw badRequest("boundary is not specified");
  const params: Record<string, unknown> = {};
  for (const part of body.toString("latin1").split(`--${boundary}`)) {
    const border = part.indexOf("\r\n\r\n");
    if (border === -1) continue;
    const head = Buffer.from(part.slice(0, border), "latin1").toString("utf8");
    const content = part.slice(border + 4, part.endsWith("\r\n") ? -2 : undefined);
    const name = /(?:^|[;\s])name="([^"]*)"/i.exec(head)?.[1];
    if (name === undefined) continue;
    const filename = /filename="?([^";\r\n]+)/i.exec(head)?.[1];
    params[name] =
      filename === undefined ? Buffer.from(content, "latin1").toString("utf8") : { filename, size: content.length };
  }
  return params;
}
