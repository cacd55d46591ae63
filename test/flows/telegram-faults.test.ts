/**
 * A Telegram that limits, fails, drops connections before and after the effect, and redelivers: every message is
 * still answered exactly once, whole and in order.
 */
import { expect, onTestFinished, test } from "vitest";
import { createTelegramAdapter } from "../../adapters/telegram/index.ts";
import { defineAgent, Gateway, openLmdbStore, systemClock } from "../../src/index.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { startTelegramTwin } from "../twins/telegram/index.ts";

const CHATS = 6;
const EACH = 8;

test("429 storms, 5xx, lost connections and redelivery: each message answered once, in order", async () => {
  const twin = await startTelegramTwin({ seed: 7 });
  const chats = Array.from({ length: CHATS }, (_, i) => {
    const user = twin.user({ first_name: `Person ${i}` });
    return { user, chat: twin.privateChat(user) };
  });
  for (const kind of ["429", "5xx", "drop-before", "drop-after"] as const) {
    for (const method of ["sendMessage", "editMessageText", "getUpdates"]) {
      twin.fault({ kind, method, probability: 0.08, retryAfter: 1 });
    }
  }
  const store = await openLmdbStore({ path: temporaryFolder(), clock: systemClock, dedupeFor: 86_400_000 });
  const gateway = new Gateway({
    store,
    adapters: [
      createTelegramAdapter({
        name: "telegram",
        config: { type: "telegram", token: twin.token, mode: "polling", apiRoot: twin.apiRoot },
        clock: systemClock,
      }),
    ],
    agents: { echo: defineAgent(async ({ messages }) => `echo: ${messages[0]?.text}`) },
    access: { default: "allow", allow: [], admins: [] },
    grace: 1_000,
  });
  onTestFinished(async () => {
    await gateway.stop();
    await store.close();
    await twin.stop();
  });
  await gateway.start();
  for (let n = 0; n < EACH; n++) {
    for (const [c, { chat, user }] of chats.entries()) chat.say(user, `chat ${c} message ${n}`);
    twin.redeliverAll();
  }
  const answers = (c: number) =>
    (chats[c]?.chat.messages() ?? []).map(({ text }) => text).filter((text) => text.startsWith("echo: "));
  await twin.until(() => chats.every((_, c) => answers(c).length >= EACH), {
    timeoutMs: 200_000,
    label: "all answered",
  });
  twin.clearFaults();
  for (const c of chats.keys()) {
    expect(answers(c)).toEqual(Array.from({ length: EACH }, (_, n) => `echo: chat ${c} message ${n}`));
    const others = (chats[c]?.chat.messages() ?? []).filter(({ text }) => !text.startsWith("echo: ") && text !== "…");
    expect(others).toEqual([]);
  }
}, 240_000);
