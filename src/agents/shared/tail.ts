/** The last lines of a stream of bytes, as text. */
const MAX_BYTES = 2_048;
const MAX_LINES = 20;

export class Tail {
  #bytes: Buffer = Buffer.alloc(0);

  add(chunk: Buffer): void {
    const joined = Buffer.concat([this.#bytes, chunk.subarray(-MAX_BYTES)]);
    this.#bytes = joined.subarray(-MAX_BYTES);
  }

  text(): string {
    // The cut may fall within a character: what is left of it decodes to replacement characters.
    const text = this.#bytes.toString("utf8").replace(/^\uFFFD+/, "");
    return text.trimEnd().split("\n").slice(-MAX_LINES).join("\n").trim();
  }
}
