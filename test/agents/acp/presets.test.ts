import { expect, test } from "vitest";
import { commandOf, installing, PRESETS, type PresetName } from "../../../src/agents/acp/presets.ts";

test.each(Object.keys(PRESETS) as PresetName[])("%s has a command, and it is said how to install it", (preset) => {
  expect(commandOf({ preset })).toEqual(PRESETS[preset].command);
  expect(installing({ preset })).toMatch(/install/);
});

test("a command takes the place of the preset's", () => {
  expect(commandOf({ preset: "gemini" })).toEqual(["gemini", "--acp"]);
  expect(commandOf({ preset: "gemini", command: ["./mine"] })).toEqual(["./mine"]);
  expect(installing({})).toBeUndefined();
});
