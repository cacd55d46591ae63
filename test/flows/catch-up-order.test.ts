/** What people say while the gateway still reads what it missed comes behind that, in each conversation. */
import { expect, onTestFinished, test } from "vitest";
import { defineAgent } from "../../src/agents/handler.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Gateway } from "../../src/core/gateway.ts";
import { openLmdbStore } from "../../src/stores/lmdb/store.ts";
import { createAccount } from "../support/accounts.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { startDiscordTwin } from "../twins/discord/index.ts";

test("a message that comes live waits for those before it that were missed", async () => {
  const twin = await startDiscordTwin();
  onTestFinished(() => twin.stop());
  const guild = twin.guild("Team");
  const ada = twin.user({ username: "ada" });
  const chats = [twin.dm(ada), guild.text("general")];
  const folder = temporaryFolder();
  const run = async (work: () => Promise<void>): Promise<void> => {
    const store = await openLmdbStore({ path: folder, clock: systemClock, dedupeFor: 86_400_000 });
    const config = { type: "discord", token: twin.token, apiUrl: twin.apiUrl } as const;
    const gateway = new Gateway({
      store,
      adapters: [createAccount("discord", config, systemClock)],
      agents: { echo: defineAgent(async ({ messages }) => `answer to ${messages[0]?.text}`) },
      access: { default: "allow", allow: [], admins: [] },
      grace: 0,
    });
    try {
      await gateway.start();
      await twin.until(() => twin.gateway.connected, { label: "it receives" });
      await work();
    } finally {
      await gateway.stop();
      await store.close();
      twin.gateway.forget();
    }
  };
  const answered = (...texts: string[]) =>
    twin.until(
      () => chats.every((chat) => texts.every((text) => chat.messages().some((m) => m.text === `answer to ${text}`))),
      { label: `${texts.join(", ")} answered`, timeoutMs: 20_000 },
    );
  const sayAll = (text: string) => {
    for (const chat of chats) chat.mention(ada, text);
  };

  await run(async () => {
    sayAll("first");
    await answered("first");
  });
  sayAll("missed 1");
  sayAll("missed 2");
  twin.fault({ kind: "latency", method: "GET /channels/:channel/messages", delayMs: 500, times: 1000 });
  await run(async () => {
    sayAll("live");
    await answered("missed 1", "missed 2", "live");
  });
  const inOrder = ["first", "missed 1", "missed 2", "live"].map((text) => `answer to ${text}`);
  for (const chat of chats) expect(chat.messages().map(({ text }) => text)).toEqual(inOrder);
});
