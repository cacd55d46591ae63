/** What a session costs: agents tell what it has cost so far, people are told what was added. US dollars. */
export class Bill {
  #total: number;

  constructor(total: number) {
    this.#total = total;
  }

  get total(): number {
    return this.#total;
  }

  startFrom(total: number): void {
    this.#total = total;
  }

  /** What was added. An agent that tells of less than before has begun to count anew. */
  add(total: number): number {
    const added = total < this.#total ? total : total - this.#total;
    this.#total = total;
    return added;
  }
}
