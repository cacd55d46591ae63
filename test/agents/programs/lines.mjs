#!/usr/bin/env node
/**
 * The program of the conformance suite for JSON Lines: what it does stands in the first word of the prompt. It and the
 * child that it starts write their process ids to the file $PIDS. Its state is the number of messages.
 */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const note = (pid) => appendFileSync(process.env.PIDS, `${pid}\n`);
note(process.pid);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value);
const turn = await hear();
const [word] = turn.prompt.split(" ");
const state = (typeof turn.state === "number" ? turn.state : 0) + turn.messages.length;

const ASKS = {
  plan: { text: "1. dig\n2. plant" },
  permission: { text: "run `rm -r build`", tool: "shell", target: "rm -r build" },
  questions: {
    text: "Before I begin:",
    questions: [
      { id: "where", prompt: "Where?", choices: [{ id: "front", label: "In front" }], free: true },
      { id: "why", prompt: "Why?" },
    ],
  },
};

switch (word) {
  case "echo":
    say({ type: "text", delta: turn.prompt });
    break;
  case "count":
    console.log(`${state} messages`);
    break;
  case "endless": {
    const child = spawn("sleep", ["3600"], { stdio: "ignore" });
    note(child.pid);
    say({ type: "text", delta: "working" });
    const { type } = await hear();
    child.kill();
    process.exit(type === "stop" ? 0 : 1);
    break;
  }
  case "fail":
    say({ type: "failed", message: "it fails each time" });
    process.exit();
    break;
  case "once":
    if (turn.attempt === 1) process.exit(75);
    break;
  case "large":
    for (let index = 0; index < 50; index++) say({ type: "text", delta: "x".repeat(100_000) });
    break;
  case "plan":
  case "permission":
  case "questions": {
    say({ type: "ask", id: "1", kind: word, ...ASKS[word] });
    const { type, id, ...outcome } = await hear();
    if (type === "stop") process.exit();
    say({ type: "text", delta: `${type} ${id}: ${JSON.stringify(outcome)}` });
    break;
  }
}
say({ type: "done", state });
lines.return();
