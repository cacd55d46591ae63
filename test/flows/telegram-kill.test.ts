/**
 * 120 messages over 30 chats (300 in `npm run soak`) while the gateway is killed with SIGKILL again and again: each is
 * answered exactly once, whole, and in order in its chat.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/gateway.ts";
import { GatewayProcess } from "../support/process.ts";
import { startTelegramTwin, type TwinChat } from "../twins/telegram/index.ts";

const CHATS = 30;
const IS_LONG = process.env.SOAK !== undefined;
const EACH = IS_LONG ? 10 : 4;
const KILLS = IS_LONG ? 20 : 8;

test(`${CHATS * EACH} messages, ${CHATS} chats, ${KILLS} times kill -9: every message answered exactly once, in order`, async () => {
  const twin = await startTelegramTwin();
  const people = Array.from({ length: CHATS }, (_, i) => twin.user({ first_name: `Person ${i}` }));
  const chats = people.map((user) => ({ user, chat: twin.privateChat(user) }));
  const gateway = new GatewayProcess(
    temporaryFolder(),
    `adapters: { telegram: { type: telegram, token: "${twin.token}", apiRoot: "${twin.apiRoot}" } }
http: { port: 0 }
log: { level: debug }
access: { default: allow }
# A message may well be hit by three kills: that must not look like one that kills its agent.
queue: { attempts: ${KILLS + 1} }`,
  );
  await gateway.start();

  const talk = (async () => {
    for (let n = 0; n < EACH; n++) {
      for (const [c, { user, chat }] of chats.entries()) {
        chat.say(user, textOf(c, n));
        await pause(Math.random() * 80);
      }
    }
  })();
  for (let kills = 0; kills < KILLS; kills++) {
    await pause(100 + Math.random() * 1_200);
    await gateway.kill();
    await gateway.start();
  }
  await talk;
  await twin.until(() => chats.every(({ chat }, c) => answersIn(chat, c).length >= EACH), {
    timeoutMs: 240_000,
    label: "every message answered",
  });
  expect((await gateway.signal("SIGTERM")).code).toBe(0);

  expect(gateway.stderr).not.toContain(twin.token);
  const strays = chats.flatMap(({ chat }) => chat.messages().filter(({ text }) => text === "…"));
  for (const [c, { chat }] of chats.entries()) {
    expect(answersIn(chat, c)).toEqual(Array.from({ length: EACH }, (_, n) => textOf(c, n)));
    const others = chat.messages().filter(({ text }) => text !== "…" && !text.includes(`chat ${c} message`));
    expect(others).toEqual([]);
  }
  console.log(`${KILLS} kills: ${CHATS * EACH} answered once and in order, ${strays.length} empty placeholders left`);
  await twin.stop();
}, 400_000);

function textOf(chat: number, n: number): string {
  return `chat ${chat} message ${n} of ${EACH}`;
}

/** The person's texts that the bot's messages answer, in the order of the messages. */
function answersIn(chat: TwinChat, c: number): string[] {
  const pattern = new RegExp(`chat ${c} message \\d+ of ${EACH}`, "g");
  return chat.messages().flatMap(({ text }) => text.match(pattern) ?? []);
}
