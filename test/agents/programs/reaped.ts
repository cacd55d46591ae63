/**
 * Stands for a gateway: starts process groups, says which processes it has, and waits to be killed. SIGUSR2 makes it say
 * its own process id.
 *
 *   node --import tsx reaped.ts agent <program>     a command agent's turn, by what the program writes
 *   node --import tsx reaped.ts groups              two groups, of which the first is taken off again
 *   node --import tsx reaped.ts at-once             a group, and kills itself in the same step
 *   node --import tsx reaped.ts ends                a group that ends, and ends itself
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { createCommandAgent } from "../../../src/agents/command/index.ts";
import { reap } from "../../../src/agents/shared/reaper.ts";

const [what = "", ...command] = process.argv.slice(2);
const say = (...pids: (number | undefined)[]) => writeSync(1, `${pids.join(" ")}\n`);
const sleeper = (seconds = 3600): ChildProcess =>
  spawn("sleep", [String(seconds)], { detached: true, stdio: "ignore" });

process.on("SIGUSR2", () => say(process.pid));

if (what === "agent") {
  const agent = createCommandAgent({ config: { command, env: {} } });
  const session = await agent.open({ session: "s", channel: "test:c", transcript: async () => [] });
  const sender = { id: "test:ada", name: "Ada" };
  const run = session.run({
    id: "turn-1",
    messages: [{ id: "1", sender, text: "go", sentAt: 1, acceptedAt: 1 }],
    attempt: 1,
    phase: "work",
    mode: "ask",
    decided: [],
    signal: new AbortController().signal,
    ask: () => Promise.reject(new Error("nobody is here")),
    read: () => Promise.reject(new Error("no file is here")),
  });
  for await (const event of run) if (event.type === "text") writeSync(1, event.delta);
}
if (what === "groups") {
  const [first, second] = [sleeper(), sleeper()];
  const spare = reap(first.pid ?? 0);
  reap(second.pid ?? 0);
  spare();
  say(first.pid, second.pid);
}
if (what === "at-once") {
  const child = sleeper();
  reap(child.pid ?? 0);
  say(child.pid);
  process.kill(process.pid, "SIGKILL");
}
if (what === "ends") {
  const child = sleeper(0);
  const takeOff = reap(child.pid ?? 0);
  await once(child, "exit");
  takeOff();
  say(child.pid);
}
