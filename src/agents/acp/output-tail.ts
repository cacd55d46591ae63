/** Pieces up to so many bytes are joined, so that many small ones cost no more than they hold. */
const SMALL = 4_096;

/** The last bytes of a command's output, as text that begins with a whole character. */
export class OutputTail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #isCut = false;

  /** Bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + chunk.length <= SMALL) {
      this.#chunks[this.#chunks.length - 1] = Buffer.concat([last, chunk]);
    } else {
      this.#chunks.push(chunk);
    }
    this.#size += chunk.length;
    while (this.#size > this.#limit) {
      const [first] = this.#chunks;
      if (first === undefined) return;
      this.#isCut = true;
      const excess = this.#size - this.#limit;
      if (first.length > excess) this.#chunks[0] = first.subarray(excess);
      else this.#chunks.shift();
      this.#size -= Math.min(first.length, excess);
    }
  }

  read(): { output: string; truncated: boolean } {
    const bytes = Buffer.concat(this.#chunks);
    let start = 0;
    // Bytes that go on with a character that was cut.
    while (this.#isCut && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return { output: bytes.subarray(start).toString("utf8"), truncated: this.#isCut };
  }
}
