/**
 * A gateway that dies by SIGKILL at one chosen step: argv is folder, apiRoot, token, step and "before" or "after".
 * Steps are the calls into the store and onto the platform, counted from the start. With step 0 it lives, and
 * reports the number of steps on SIGTERM. A program of its own, because only a process can be killed.
 */
import { createTelegramAdapter } from "../../adapters/telegram/index.ts";
import { type ChannelAdapter, defineAgent, Gateway, openLmdbStore, type Store, systemClock } from "../../src/index.ts";

const [folder = "", apiRoot = "", token = "", at = "0", when = "before"] = process.argv.slice(2);

/** The steps of a turn: reads that change nothing can't leave anything half-done. */
const STORE_STEPS = ["accept", "acquire", "claim", "save", "commitTurn", "settleDelivery", "signal", "finishControl"];
const SEND_STEPS = ["send", "edit"];
const names: string[] = [];

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

function crashing<T extends object>(target: T, steps: readonly string[]): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== "function") return value;
      if (typeof key !== "string" || !steps.includes(key)) return value.bind(object);
      return async (...args: unknown[]) => {
        names.push(key);
        const here = names.length === Number(at);
        if (here && when === "before") die();
        const result: unknown = await value.apply(object, args);
        if (here && when === "after") die();
        return result;
      };
    },
  });
}

const store: Store = crashing(
  await openLmdbStore({ path: folder, clock: systemClock, dedupeFor: 86_400_000 }),
  STORE_STEPS,
);
const telegram: ChannelAdapter = crashing(
  createTelegramAdapter({
    name: "telegram",
    config: { type: "telegram", token, mode: "polling", apiRoot },
    clock: systemClock,
  }),
  SEND_STEPS,
);
const slow = defineAgent(async function* ({ messages }) {
  yield "first half, ";
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  // Longer than one Telegram message: the second part has no preview to edit.
  yield `second half.\n\n${"word ".repeat(900)}\n\nThe end of ${messages[0]?.text}.`;
});
const gateway = new Gateway({
  store,
  adapters: [telegram],
  agents: { slow },
  access: { default: "allow", allow: [], admins: [] },
});
process.on("SIGTERM", async () => {
  await gateway.stop();
  await store.close();
  process.stdout.write(`${JSON.stringify(names)}\n`);
  process.exit(0);
});
await gateway.start();
