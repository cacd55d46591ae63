/** A stream of bytes as lines of UTF-8. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** False of a last line that no newline ends. */
  readonly whole: boolean;
}

/** A program said what it must not: the message is a sentence about it. */
export class ProtocolError extends Error {}

const NEWLINE = 10;

/** Holds no more than one line in memory. Throws a ProtocolError where one has more than `longest` bytes. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, longest: number): AsyncGenerator<Line, void> {
  let number = 1;
  let pieces: Buffer[] = [];
  let size = 0;
  const add = (piece: Buffer) => {
    pieces.push(piece);
    size += piece.length;
    if (size <= longest) return;
    throw new ProtocolError(`Its line ${number} is longer than ${longest / 1024} KiB, which is the most that is read.`);
  };
  const take = (whole: boolean): Line => {
    const text = Buffer.concat(pieces).toString("utf8");
    pieces = [];
    size = 0;
    return { number: number++, text: whole && text.endsWith("\r") ? text.slice(0, -1) : text, whole };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield take(true);
    }
    add(chunk.subarray(start));
  }
  if (size > 0) yield take(false);
}
