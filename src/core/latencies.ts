import type { GatewayEvent } from "../events.ts";
import type { Latency, Percentiles } from "../operations.ts";

/** So many answers back: what is slow now is seen now. */
const WINDOW = 1_000;

/** How long people waited for the newest answers of this process. */
export class Latencies {
  readonly #turns: number[] = [];
  readonly #firstTexts: (number | undefined)[] = [];
  #answers = 0;

  note(event: GatewayEvent): void {
    if (event.type !== "turn.ended" || event.outcome !== "answered") return;
    const place = this.#answers % WINDOW;
    this.#turns[place] = event.ms;
    this.#firstTexts[place] = event.figures?.firstTextMs;
    this.#answers += 1;
  }

  view(): Latency | undefined {
    const turn = percentilesOf(this.#turns);
    const firstText = percentilesOf(this.#firstTexts.filter((ms) => ms !== undefined));
    return turn && { answers: this.#turns.length, turn, ...(firstText ? { firstText } : {}) };
  }
}

function percentilesOf(values: readonly number[]): Percentiles | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [p50, p95] = [0.5, 0.95].map((share) => sorted[Math.ceil(sorted.length * share) - 1]);
  return p50 === undefined || p95 === undefined ? undefined : { p50, p95 };
}
