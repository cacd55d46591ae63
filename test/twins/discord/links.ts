/** Links to files: signed by Discord, and good for a day. */
import { createHash } from "node:crypto";
import type { Clock } from "../../../src/model.ts";

/** Milliseconds. */
const LASTS = 24 * 60 * 60 * 1000;

export class Links {
  /** Where files can be fetched: scheme, host and port. */
  origin = "";
  readonly #clock: Clock;
  #secret = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  sign(path: string): string {
    const is = Math.floor(this.#clock.now() / 1000);
    const times = { ex: (is + LASTS / 1000).toString(16), is: is.toString(16) };
    const hm = this.#signature(path, times.ex, times.is);
    return `${this.origin}${encodeURI(path)}?${new URLSearchParams({ ...times, hm })}&`;
  }

  holds(path: string, query: URLSearchParams): boolean {
    const [ex = "", is = "", hm = ""] = ["ex", "is", "hm"].map((name) => query.get(name) ?? "");
    return hm === this.#signature(path, ex, is) && Number.parseInt(ex, 16) * 1000 > this.#clock.now();
  }

  /** From now on none that was made before holds. */
  expire(): void {
    this.#secret++;
  }

  #signature(path: string, ex: string, is: string): string {
    return createHash("sha256").update(`${this.#secret} ${path} ${ex} ${is}`).digest("hex");
  }
}
