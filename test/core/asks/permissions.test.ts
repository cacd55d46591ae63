import fc from "fast-check";
import { expect, test } from "vitest";
import { covers, ruleFor, unasked } from "../../../src/core/asks/permissions.ts";
import type { PermissionRequest } from "../../../src/model.ts";

const ANN = { id: "local:ann", name: "Ann" };
const shell = (target?: string): PermissionRequest => ({
  kind: "permission",
  tool: "shell",
  text: "?",
  ...(target === undefined ? {} : { target }),
});
const edit: PermissionRequest = { kind: "permission", tool: "edit", text: "?", target: "a.ts", edits: true };

test("a mode allows what it says, and no more", () => {
  expect(unasked(shell("ls"), "ask", undefined)).toBeUndefined();
  expect(unasked(edit, "ask", undefined)).toBeUndefined();
  expect(unasked(shell("ls"), "accept-edits", undefined)).toBeUndefined();
  expect(unasked(edit, "accept-edits", undefined)).toBe("allowed");
  expect(unasked(edit, "plan", undefined)).toBe("refused");
  expect(unasked(shell("ls"), "plan", undefined)).toBeUndefined();
  expect(unasked(shell("rm -rf /"), "bypass", undefined)).toBe("allowed");
});

test("a rule or a grant allows the same again; what is not changed before a plan stays so", () => {
  const rules = [ruleFor(shell("npm test"), ANN, 1)];
  expect(unasked(shell("npm test"), "ask", { rules })).toBe("allowed");
  expect(unasked(shell("npm test"), "ask", { grants: rules })).toBe("allowed");
  expect(unasked(shell("npm test; rm -rf /"), "ask", { rules })).toBeUndefined();
  expect(unasked(shell(), "ask", { rules })).toBeUndefined();
  expect(unasked(edit, "plan", { rules: [ruleFor(edit, ANN, 1)] })).toBe("refused");
});

test("the rule made of a request covers that request, and no other target, whatever is in it", () => {
  const target = fc.string({ unit: fc.constantFrom("a", "*", "\\", ".", "+", "(", "[", "$", "\n", " "), maxLength: 8 });
  fc.assert(
    fc.property(target, target, (one, other) => {
      const rule = ruleFor(shell(one), ANN, 1);
      expect(covers(rule, shell(one))).toBe(true);
      expect(covers(rule, shell(other))).toBe(one === other);
    }),
    { numRuns: 1_000 },
  );
});

test("a star that an operator writes stands for anything", () => {
  const rule = { ...ruleFor(shell("git status"), ANN, 1), pattern: "git *" };
  expect(covers(rule, shell("git log\n--all"))).toBe(true);
  expect(covers(rule, shell("gitk"))).toBe(false);
});
