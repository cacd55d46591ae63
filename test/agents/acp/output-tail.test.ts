import { expect, test } from "vitest";
import { OutputTail } from "../../../src/agents/acp/output-tail.ts";

test("an output that fits is kept as it is", () => {
  const tail = new OutputTail(10);
  tail.add(Buffer.from("hello"));
  expect(tail.read()).toEqual({ output: "hello", truncated: false });
});

test("of a longer one the end is kept, from a whole character on", () => {
  const tail = new OutputTail(9);
  for (const byte of Buffer.from("ü".repeat(100))) tail.add(Buffer.from([byte]));
  expect(tail.read()).toEqual({ output: "üüüü", truncated: true });
});

test("large pieces are cut, too", () => {
  const tail = new OutputTail(5_000);
  for (let count = 0; count < 10; count += 1) tail.add(Buffer.alloc(4_000, String(count)));
  const { output, truncated } = tail.read();
  expect(truncated).toBe(true);
  expect(output).toBe("8".repeat(1_000) + "9".repeat(4_000));
});
