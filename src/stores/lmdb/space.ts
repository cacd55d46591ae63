/**
 * Room for what LMDB will write, taken before it writes: the data file is kept longer than the database, filled
 * with zeros. So a full disk is met here, as an error with a name, and never by LMDB in the middle of a commit:
 * there lmdb-js 3.5.6 puts together a message longer than its buffer, which can end the process. Flushing is
 * cheaper too, because a commit changes no file size.
 */
import type { FileHandle } from "node:fs/promises";
import { open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Database } from "./format.ts";

/** What lmdb-js gives without a type. */
const figures = z.object({ pageSize: z.number(), treeDepth: z.number(), lastPageNumber: z.number() });

const LEAST_STEP = 256 * 1024;
const LARGEST_STEP = 8 * 1024 * 1024;
/** Pages that a commit writes whatever is in it: the roots, and its lists of free pages. */
const PAGES_PER_COMMIT = 16;

export class Space {
  readonly #file: FileHandle;
  /** Bytes that the file has. */
  #length: number;
  /** The database ends before this byte. A guess that errs on the safe side, until it is worth asking. */
  #used = Number.POSITIVE_INFINITY;
  #pageSize = 4_096;
  #depth = 1;

  /** Makes sure that a new database finds room for its first pages, before there is a file to take it in. */
  static async probe(path: string): Promise<void> {
    const file = join(path, "space.probe");
    try {
      await writeFile(file, Buffer.alloc(LEAST_STEP));
    } finally {
      await rm(file, { force: true });
    }
  }

  static async open(path: string): Promise<Space> {
    const file = await open(join(path, "data.mdb"), "r+");
    const { size } = await file.stat();
    return new Space(file, size);
  }

  private constructor(file: FileHandle, length: number) {
    this.#file = file;
    this.#length = length;
  }

  /**
   * Takes room for rows of so many bytes each. Rejects as the file system does (ENOSPC, EDQUOT, EFBIG) where there
   * is none.
   */
  async take(database: Database, rows: readonly number[]): Promise<void> {
    if (this.#used + this.#most(rows) > this.#length) this.#ask(database);
    const most = this.#most(rows);
    if (this.#used + most > this.#length) await this.#extend(this.#used + most);
    this.#used += most;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** At worst each row copies the pages on the way to it, splits some, and has pages of its own for a long value. */
  #most(rows: readonly number[]): number {
    let pages = PAGES_PER_COMMIT;
    for (const size of rows) pages += this.#depth + 3 + Math.ceil(size / this.#pageSize);
    return pages * this.#pageSize;
  }

  #ask(database: Database): void {
    const stats = figures.parse(database.getStats());
    this.#pageSize = stats.pageSize;
    this.#depth = stats.treeDepth;
    this.#used = (stats.lastPageNumber + 1) * stats.pageSize;
  }

  async #extend(end: number): Promise<void> {
    const step = Math.min(Math.max(this.#length, LEAST_STEP), LARGEST_STEP);
    const zeros = Buffer.alloc(Math.max(end - this.#length, step));
    for (let written = 0; written < zeros.length; ) {
      const { bytesWritten } = await this.#file.write(zeros, written, zeros.length - written, this.#length);
      this.#length += bytesWritten;
      written += bytesWritten;
    }
  }
}
