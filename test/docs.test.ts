import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { builtinCommands } from "../src/core/commands/index.ts";
import { platformTable } from "./support/platform-table.ts";

const ROOT = new URL("../", import.meta.url);
/** Where a path that the text gives in short may stand. */
const FOLDERS = ["", "src/", "src/stores/lmdb/", "adapters/telegram/"];

function read(page: string): string {
  return readFileSync(new URL(page, ROOT), "utf8");
}

test.each(["README.md", "ARCHITECTURE.md"])("%s names only files that exist", (page) => {
  const text = read(page);
  const paths = [
    ...[...text.matchAll(/`([\w./-]+\.(?:ts|mjs|yaml|md|sh))`/g)].map(([, path]) => path ?? ""),
    ...[...text.matchAll(/\]\(([\w./-]+)\)/g)].map(([, path]) => path ?? ""),
  ].filter((path) => path !== "switchboard.yaml");
  expect(paths.length).toBeGreaterThan(0);
  const missing = paths.filter(
    (path) => !FOLDERS.some((folder) => existsSync(fileURLToPath(new URL(folder + path, ROOT)))),
  );
  expect(missing).toEqual([]);
});

test("the README lists the commands that there are", () => {
  const listed = [...read("README.md").matchAll(/^\| `\/(\w+)` \|/gm)].map(([, name]) => name);
  expect(listed).toEqual(builtinCommands().list.map(({ name }) => name));
});

/** `UPDATE_DOCS=1 npx vitest run test/docs.test.ts` writes it anew. */
test("the README's table of platforms is what the adapters declare", async () => {
  const readme = read("README.md");
  const pattern = /(?<=<!-- platforms -->\n)[\s\S]*?(?=\n<!-- end -->)/;
  const table = await platformTable();
  if (process.env.UPDATE_DOCS !== undefined) writeFileSync(new URL("README.md", ROOT), readme.replace(pattern, table));
  expect(pattern.exec(read("README.md"))?.[0]).toBe(table);
});
