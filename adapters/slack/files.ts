/** A part that is longer than a message → a file, and what it is called above it. */
import { soleFence } from "./parts.ts";
import { isTooLong } from "./render.ts";

export interface Filed {
  readonly name: string;
  readonly text: string;
  /** What stands in front of its name. */
  readonly label: string;
}

/** Undefined where a message can show it. */
export function filed(part: string): Filed | undefined {
  if (!isTooLong(part)) return undefined;
  const fence = soleFence(part);
  if (fence === undefined) return { name: "answer.md", text: part, label: "The whole answer" };
  const name = `code.${EXTENSIONS.get(fence.language) ?? "txt"}`;
  return { name, text: `${fence.code}\n`, label: "The code" };
}

/** By the names that fences give to languages; a name of its own behind the colon, else the name is the extension. */
const NAMES =
  "bash:sh bat c c++:cpp cc:cpp clojure:clj cpp cs csharp:cs c#:cs css csv dart diff elixir:ex erlang:erl fish fsharp:fs " +
  "go golang:go gradle graphql groovy haskell:hs hs html html5:html ini java javascript:js js json json5 jsonc jsonl jsx " +
  "julia:jl kotlin:kt kt latex:tex less log lua make:mk makefile:mk markdown:md md mermaid:mmd mjs:js nix ocaml:ml patch " +
  "perl:pl php powershell:ps1 properties proto ps1 pwsh:ps1 py python:py python3:py r rb rs ruby:rb rust:rs sass scala " +
  "scss sh shell:sh sql svelte svg swift terraform:tf tex tf toml ts tsx typescript:ts vim vue xml yaml yml:yaml zig zsh";

const EXTENSIONS: ReadonlyMap<string, string> = new Map(
  NAMES.split(" ").map((entry) => {
    const [language = "", extension = language] = entry.split(":");
    return [language, extension];
  }),
);
