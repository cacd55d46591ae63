/** As much of Redis' protocol (RESP 2 and 3) as it takes to know where commands and replies end. */

const CRLF = "\r\n";

/** The first command in these bytes and where it ends; undefined where it is not complete. */
export function parseCommand(bytes: Buffer): { command: string[]; end: number } | undefined {
  const head = lineAt(bytes, 0);
  if (!head) return undefined;
  if (!head.text.startsWith("*")) return { command: head.text.split(" "), end: head.end };
  const command: string[] = [];
  let at = head.end;
  for (let left = Number(head.text.slice(1)); left > 0; left--) {
    const size = lineAt(bytes, at);
    if (!size) return undefined;
    const from = size.end;
    at = from + Number(size.text.slice(1)) + CRLF.length;
    if (at > bytes.length) return undefined;
    command.push(bytes.toString("utf8", from, at - CRLF.length));
  }
  return { command, end: at };
}

/** Where the reply that begins here ends; undefined where it is not complete. */
export function replyEnd(bytes: Buffer, start: number): number | undefined {
  const head = lineAt(bytes, start);
  if (!head) return undefined;
  const count = Number(head.text.slice(1));
  switch (head.text[0]) {
    case "$":
    case "=":
    case "!": {
      const end = count < 0 ? head.end : head.end + count + CRLF.length;
      return end > bytes.length ? undefined : end;
    }
    case "*":
    case "~":
    case ">":
      return endAfter(bytes, head.end, count);
    case "%":
      return endAfter(bytes, head.end, 2 * count);
    case "|":
      // Attributes come before the reply that they are about.
      return endAfter(bytes, head.end, 2 * count + 1);
    default:
      return head.end;
  }
}

function endAfter(bytes: Buffer, start: number, count: number): number | undefined {
  let at: number | undefined = start;
  for (let left = count; left > 0 && at !== undefined; left--) at = replyEnd(bytes, at);
  return at;
}

function lineAt(bytes: Buffer, start: number): { text: string; end: number } | undefined {
  const end = bytes.indexOf(CRLF, start);
  return end < 0 ? undefined : { text: bytes.toString("latin1", start, end), end: end + CRLF.length };
}
