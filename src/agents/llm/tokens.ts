/** How long things are, in tokens: a guess, corrected by what the model's own account of earlier requests says. */
const CHARACTERS = 4;
/** Of a picture, roughly, on all providers. */
const IMAGE = 1_500;
/** The account of one request may be off for reasons of its own (a cache, a hidden system prompt). */
const CORRECTION = { least: 0.5, most: 4 };

export interface Weight {
  readonly characters: number;
  readonly images?: number;
}

export class Scale {
  /** Tokens in what this guesses to be one. */
  #correction: number;

  constructor(correction = 1) {
    this.#correction = bounded(correction);
  }

  get correction(): number {
    return this.#correction;
  }

  tokens(text: string): number {
    return this.weigh({ characters: text.length });
  }

  weigh({ characters, images = 0 }: Weight): number {
    return Math.ceil((characters / CHARACTERS) * this.#correction) + images * IMAGE;
  }

  /** How many characters so many tokens are. */
  characters(tokens: number): number {
    return Math.floor((tokens * CHARACTERS) / this.#correction);
  }

  /** A request of so many characters, and no pictures, was counted by the model. */
  learn(characters: number, tokens: number): void {
    if (characters >= LEAST_LEARNT && tokens > 0) this.#correction = bounded(tokens / (characters / CHARACTERS));
  }
}

/** Below, what stands around the messages weighs too much. */
const LEAST_LEARNT = 2_000;

function bounded(correction: number): number {
  return Math.min(CORRECTION.most, Math.max(CORRECTION.least, correction));
}
