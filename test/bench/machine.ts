import { readFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";

/** One line: what the figures were measured on. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const name = cpu?.model.trim() || "unknown CPU";
  return `${cpus().length} cores (${name}), ${memory} GiB, Linux ${release()}, Node ${process.version}, ${fileSystem(tmpdir())}`;
}

/** The file system that a folder is on. */
function fileSystem(folder: string): string {
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, point = ""]) => `${folder}/`.startsWith(point === "/" ? "/" : `${point}/`))
    .sort(([, a = ""], [, b = ""]) => b.length - a.length);
  return mounts[0]?.[2] ?? "unknown file system";
}
