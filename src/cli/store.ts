import { type Command, InvalidArgumentError } from "commander";
import { type CopyProgress, type CopyReport, copyStore, FIGURES } from "../copy.ts";
import { configOf, type GlobalOptions } from "./connect.ts";
import { printJson, printTable } from "./print.ts";

/** Milliseconds that a store may take to answer. */
const STORE_ANSWERS = 10_000;
/** After how many channels something is said. */
const REPORT_EVERY = 1_000;

export function storeCommand(program: Command): void {
  const store = program.command("store").description("what the gateway keeps; for while no gateway runs");

  store
    .command("copy")
    .description("copy everything into an empty store, and compare; run again, it goes on where it was stopped")
    .requiredOption("--from <url>", "such as lmdb:./data", parseUrl)
    .requiredOption("--to <url>", "such as redis://127.0.0.1:6379/0", parseUrl)
    .action(async ({ from, to }: { from: string; to: string }, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const report = await copy(from, to, options);
      if (options.json) return printJson(report);
      printReport(report);
    });
}

async function copy(from: string, to: string, options: GlobalOptions): Promise<CopyReport> {
  const { openPortable } = await import("../main.ts");
  const config = configOf(options);
  const log = (problem: string) => process.stderr.write(`${problem}\n`);
  const open = (url: string, create: boolean) =>
    openPortable(url, config, { create, signal: AbortSignal.timeout(STORE_ANSWERS), log });
  const source = await open(from, false);
  try {
    const target = await open(to, true);
    try {
      return await copyStore(source, target, printProgress);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function printProgress({ phase, channels }: CopyProgress): void {
  if (channels % REPORT_EVERY === 0) process.stderr.write(`${phase}: ${channels} channels\n`);
}

function printReport({ written, figures, checksum }: CopyReport): void {
  printTable(FIGURES.map((figure) => [figure, String(figures[figure])]));
  process.stdout.write(`checksum ${checksum}\n\n`);
  const before = figures.channels - written;
  const rest = before === 0 ? "" : `; ${before} were there already`;
  process.stdout.write(`Copied ${written} channels${rest}. Both stores hold the same.\n`);
  process.stdout.write("Set store.url to the new one before you start the gateway, and keep the old one aside.\n");
}

function parseUrl(text: string): string {
  if (/^(lmdb:.|redis.*:\/\/.)/.test(text)) return text;
  throw new InvalidArgumentError("It must look like lmdb:./data or redis://127.0.0.1:6379/0.");
}
