/** What a benchmark is, and how its figures become a table. */

/** What one fresh process measured, by name. */
export type Figures = Readonly<Record<string, number>>;

export interface Benchmark {
  /** What `npm run bench -- <name>` runs. */
  readonly name: string;
  readonly title: string;
  /** How often each variant is measured, in turn with the others. */
  readonly rounds: number;
  /** Its variants look into the sessions that are stored there. */
  readonly stored?: "lmdb" | "redis";
  /** Each is run in a process of its own, which ends with it. */
  readonly variants: Readonly<Record<string, (stored: StoredSessions) => Promise<Figures>>>;
  report(results: Results): Table;
}

/** A store with many idle sessions; each has had one turn. */
export interface StoredSessions {
  readonly count: number;
  /** The folder, or the URL of the Redis. */
  readonly place: string;
}

/** The heading, then the rows. */
export type Table = readonly (readonly string[])[];

export class Results {
  readonly #rounds: readonly Readonly<Record<string, Figures>>[];

  constructor(rounds: readonly Readonly<Record<string, Figures>>[]) {
    this.#rounds = rounds;
  }

  median(variant: string, figure: string): number {
    return median(this.#rounds.map((round) => figureOf(round, variant, figure)));
  }

  /** The median of each round's own ratio: the machine is as fast for both halves of it. */
  ratio(figure: string, variant: string, base: string): number {
    return median(this.#rounds.map((round) => figureOf(round, variant, figure) / figureOf(round, base, figure)));
  }
}

function figureOf(round: Readonly<Record<string, Figures>>, variant: string, figure: string): number {
  const value = round[variant]?.[figure];
  if (value === undefined) throw new Error(`The variant "${variant}" has not measured "${figure}".`);
  return value;
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function toMarkdown([heading = [], ...rows]: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heading), line(heading.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)].join(
    "\n",
  );
}

/** Three digits that count, thousands set apart. */
export function show(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
