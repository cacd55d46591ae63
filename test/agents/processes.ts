import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";

/** The processes that the programs of a test start: each writes its id to a file. */
export class Processes {
  readonly file: string;
  readonly #folder: string;

  static async watch(): Promise<Processes> {
    return new Processes(await mkdtemp(join(tmpdir(), "switchboard-command-")));
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = join(folder, "pids");
  }

  async count(): Promise<number> {
    return (await this.#ids()).length;
  }

  async running(): Promise<string[]> {
    const running = await Promise.all((await this.#ids()).map(async (id) => ((await isRunning(id)) ? [id] : [])));
    return running.flat();
  }

  /** Resolves when whoever started them knows that they have ended. */
  async kill(): Promise<void> {
    const running = await this.running();
    for (const id of running) process.kill(Number(id), "SIGKILL");
    await eventually(() => running.every((id) => !existsSync(`/proc/${id}`)), "they have ended");
  }

  /** Also ends what a test let escape on purpose. */
  async forget(): Promise<void> {
    for (const id of await this.running()) process.kill(Number(id), "SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ids(): Promise<string[]> {
    const written = await readFile(this.file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return ""; // Nothing was ever started.
      throw error;
    });
    return written.split("\n").filter((line) => line !== "");
  }
}

/** An ended process that its parent has not asked for yet (a zombie) takes signals but does not run. */
export async function isRunning(id: string): Promise<boolean> {
  if (process.platform === "linux") {
    const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "State:\tX");
    return !/^State:\t[ZX]/m.test(status);
  }
  try {
    return process.kill(Number(id), 0);
  } catch {
    return false;
  }
}
