/**
 * A crash between any two steps of a turn: before the first, and after each (which is before the next: between two
 * steps nothing leaves the process). The end is always the same.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { bundle } from "../support/bundle.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { startTelegramTwin } from "../twins/telegram/index.ts";

const CHILD = fileURLToPath(new URL("crash-child.ts", import.meta.url));
const AT_ONCE = 4;
interface Scene {
  readonly steps: string[];
  readonly texts: string[];
}

/** Says hello to a gateway that dies at the step, starts another, and looks at what the person sees in the end. */
async function play(child: string, step: number, when: "before" | "after"): Promise<Scene> {
  const twin = await startTelegramTwin();
  const ada = twin.user({ first_name: "Ada" });
  const chat = twin.privateChat(ada);
  const folder = temporaryFolder();
  const start = (at: number) =>
    spawn(process.execPath, [child, folder, twin.apiRoot, twin.token, String(at), when], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  try {
    const hello = chat.say(ada, "hello");
    const answered = (text: string) => chat.messages().some((message) => message.text.endsWith(`The end of ${text}.`));
    const first = start(step);
    let steps = "";
    first.stdout.on("data", (chunk) => {
      steps += chunk;
    });
    if (step > 0) {
      const [, signal] = await once(first, "exit");
      expect(signal).toBe("SIGKILL");
    }
    const second = step > 0 ? start(0) : first;
    await twin.until(() => answered("hello"), {
      timeoutMs: 60_000,
      label: `answered after a crash ${when} step ${step}`,
    });
    // The next message is answered only after all that the first one left is done with.
    chat.say(ada, "bye");
    await twin.until(() => answered("bye"), { timeoutMs: 60_000, label: "answered afterwards" });
    const exit = once(second, "close");
    second.kill("SIGTERM");
    expect((await exit)[0]).toBe(0);
    const store = await openLmdbStore({ path: folder, clock: systemClock, dedupeFor: 86_400_000 });
    const channel = `telegram:${chat.id}` as const;
    expect((await store.receipt(channel, String(hello.message_id)))?.receipt.state).toBe("answered");
    expect(await store.stats()).toMatchObject({ queued: 0, inFlight: 0, undelivered: 0, deadLetters: 0 });
    await store.close();
    return { steps: steps ? JSON.parse(steps) : [], texts: chat.messages().map(({ text }) => text) };
  } finally {
    await twin.stop();
  }
}

test("a crash between any two steps of a turn loses nothing and repeats nothing", async () => {
  const { path: child, remove } = await bundle(CHILD);
  onTestFinished(remove);
  const { steps, texts } = await play(child, 0, "before");
  expect(texts).toHaveLength(4);
  // The first message's own steps: until both parts of its answer are settled, the second one after its placeholder.
  const settled = steps.flatMap((name, i) => (name === "settleDelivery" ? [i] : []));
  const last = (settled[2] ?? 0) + 1;
  expect(steps.slice(0, last)).toEqual(
    expect.arrayContaining(["accept", "acquire", "claim", "send", "save", "edit", "commitTurn"]),
  );

  const scenes = [
    { step: 1, when: "before" as const },
    ...Array.from({ length: last }, (_, i) => ({ step: i + 1, when: "after" as const })),
  ];
  const strays: string[] = [];
  const players = Array.from({ length: AT_ONCE }, async () => {
    for (let scene = scenes.shift(); scene; scene = scenes.shift()) {
      const seen = await play(child, scene.step, scene.when);
      const placeholders = seen.texts.filter((text) => text === "…");
      if (placeholders.length > 0) strays.push(`${scene.when} ${scene.step} (${steps[scene.step - 1]})`);
      // At most the empty placeholder whose reference the crash lost; never a text twice.
      expect(placeholders.length).toBeLessThanOrEqual(1);
      expect(
        seen.texts.filter((text) => text !== "…"),
        `${scene.when} step ${scene.step}`,
      ).toEqual(texts);
    }
  });
  await Promise.all(players);
  console.log(
    `crashed before the first and after each of ${last} steps: ${steps.slice(0, last).join(" ")}; a stray placeholder: ${strays.join(", ") || "never"}`,
  );
}, 300_000);
