/**
 * What the agents of the flow tests do, by a line of the prompt that begins with a known word. Each program says it
 * on a wire of its own. What they do to the world is a line in the file `effects` of the folder FOLDER; `gate-<word>`
 * there lets those go on that wait for the test.
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Wire {
  /** Aborts where the turn is stopped. */
  readonly signal: AbortSignal;
  say(text: string): Promise<void> | void;
  tool(title: string, status: "running" | "done"): Promise<void> | void;
  /** Whether people allow it. */
  permit(command: string): Promise<boolean>;
  /** All that was ever to be remembered in this session. */
  readonly memory: string[];
}

const folder = process.env.FOLDER ?? ".";
const fileOf = (name: string) => join(folder, name);
const SKILLS = /^(slowly|endlessly|tool|permission|fragile|remember|recall|heard|poison|hello) ?(\S*)/gm;
/** Milliseconds between two looks at whether the test lets it go on, and between two words of what has no end. */
const POLL = 10;

/** The last one counts: what was said before may stand ahead of it. */
export function skillIn(prompt: string): { readonly skill: string; readonly word: string } {
  const [, skill = "hello", word = ""] = [...prompt.matchAll(SKILLS)].at(-1) ?? [];
  return { skill, word };
}

/** Resolves when the answer is whole, or when it was stopped. */
export async function perform(prompt: string, wire: Wire): Promise<void> {
  const { skill, word } = skillIn(prompt);
  switch (skill) {
    case "slowly":
      await wire.say(`The first half of ${word}, `);
      await gate(word, wire.signal);
      return await wire.say("the second half.");
    case "endlessly":
      for (let count = 1; !wire.signal.aborted; count++) {
        await wire.say(`${word} ${count} `);
        await sleep(POLL);
      }
      return;
    case "tool":
      await wire.tool(`Looking at ${word}`, "running");
      await gate(word, wire.signal);
      await wire.tool(`Looking at ${word}`, "done");
      return await wire.say(`I have looked at ${word}.`);
    case "permission": {
      const isAllowed = await wire.permit(`paint ${word}`);
      if (isAllowed) appendFileSync(fileOf("effects"), `${word}\n`);
      return await wire.say(isAllowed ? `I have painted ${word}.` : `I have not painted ${word}.`);
    }
    case "fragile":
      return await fragile(word, prompt, wire);
    case "remember":
      wire.memory.push(word);
      return await wire.say("I will remember it.");
    case "recall":
      return await wire.say(`You told me: ${wire.memory.join(", ") || "nothing"}.`);
    case "heard": {
      const times = prompt.split(word).length - 1;
      return await wire.say(times > 1 ? `I was told of ${word}.` : `I know nothing of ${word}.`);
    }
    case "poison":
      process.kill(process.pid, "SIGKILL");
      return;
    default:
      return await wire.say(`Hello ${word}.`);
  }
}

/** The first attempt never ends; those after it do. */
async function fragile(word: string, prompt: string, wire: Wire): Promise<void> {
  const begun = fileOf(`begun-${word}`);
  if (!existsSync(begun)) {
    writeFileSync(begun, "");
    // What a program leaves behind must end too. A handler has no process of its own that could.
    if (process.env.FLOW_MARK !== undefined) spawn("sleep", ["3600"], { stdio: "ignore" });
    await wire.say(`I work on ${word}`);
    while (!wire.signal.aborted) await sleep(POLL);
    return;
  }
  await wire.say(`${word} is done${prompt.includes("You were interrupted") ? ", after an interruption" : ""}.`);
}

async function gate(word: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !existsSync(fileOf(`gate-${word}`))) await sleep(POLL);
}
