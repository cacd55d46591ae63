import { expect, test } from "vitest";
import { commandOf, environmentOf, installing, PRESETS, type PresetName } from "../../../src/agents/acp/presets.ts";

test.each(Object.keys(PRESETS) as PresetName[])("%s has a command, and it is said how to install it", (preset) => {
  expect(commandOf({ preset })).toEqual(PRESETS[preset].command);
  expect(installing({ preset })).toMatch(/install/);
});

test("a command takes the place of the preset's", () => {
  expect(commandOf({ preset: "gemini" })).toEqual(["gemini", "--acp"]);
  expect(commandOf({ preset: "gemini", command: ["./mine"] })).toEqual(["./mine"]);
  expect(installing({})).toBeUndefined();
});

test("what a preset adds to the environment can be set otherwise", () => {
  expect(JSON.parse(environmentOf({ preset: "opencode", env: {} }).OPENCODE_PERMISSION ?? "")).toMatchObject({
    edit: "ask",
    bash: "ask",
  });
  expect(environmentOf({ preset: "opencode", env: { OPENCODE_PERMISSION: "{}", KEY: "x" } })).toEqual({
    OPENCODE_PERMISSION: "{}",
    KEY: "x",
  });
  expect(environmentOf({ env: { KEY: "x" } })).toEqual({ KEY: "x" });
});
