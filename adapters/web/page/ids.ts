/** Unguessable ids, made here so that a message keeps its id however often it has to be sent. */
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

export function newId(length: number): string {
  // 252 is the largest multiple of 36 in a byte: what lies above would favour some letters.
  let id = "";
  while (id.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < 252 && id.length < length) id += LETTERS[byte % LETTERS.length];
    }
  }
  return id;
}
