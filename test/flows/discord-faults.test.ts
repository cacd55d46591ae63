/**
 * A Discord that limits, fails, drops connections before and after the effect, cuts the gateway and forgets its sessions:
 * every message is still answered exactly once, whole and in order; a long answer with all of it in a file.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createDiscordAdapter } from "../../adapters/discord/index.ts";
import { defineAgent, Gateway, openLmdbStore, systemClock } from "../../src/index.ts";
import { temporaryFolder } from "../support/gateway.ts";
import { startDiscordTwin } from "../twins/discord/index.ts";

const CHANNELS = 5;
const EACH = 6;
const LONG = Array.from({ length: 60 }, (_, i) => `**Point ${i}**: ${`some words ${i} `.repeat(20)}`).join("\n\n");

const answerTo = (text = "") => (text === "message 3" ? `echo_of: *${text}*\n\n${LONG}` : `echo_of: *${text}*`);
const words = (texts: readonly string[]) => texts.join(" ").match(/\w+/g) ?? [];

test("429 storms, 5xx, lost connections and sessions: each message answered once, in order", async () => {
  const twin = await startDiscordTwin({ seed: 7 });
  const guild = twin.guild("Team");
  const channels = Array.from({ length: CHANNELS }, (_, i) => {
    const user = twin.user({ username: `person${i}` });
    return { user, channel: i % 2 === 0 ? twin.dm(user) : guild.text(`room-${i}`) };
  });
  const store = await openLmdbStore({ path: temporaryFolder(), clock: systemClock, dedupeFor: 86_400_000 });
  const gateway = new Gateway({
    store,
    adapters: [
      createDiscordAdapter({
        name: "discord",
        config: { type: "discord", token: twin.token, apiUrl: twin.apiUrl },
        clock: systemClock,
        timing: { identify: 0 },
      }),
    ],
    agents: { echo: defineAgent(async ({ messages }) => answerTo(messages[0]?.text)) },
    access: { default: "allow", allow: [], admins: [] },
    grace: 1_000,
  });
  onTestFinished(async () => {
    await gateway.stop();
    await store.close();
    await twin.stop();
  });
  await gateway.start();
  await twin.until(() => twin.gateway.connected, { label: "connected" });
  // Core knows where somebody has talked: that is where it looks for what it missed.
  for (const { channel, user } of channels) channel.mention(user, "message first");
  const answers = (c: number) =>
    (channels[c]?.channel.messages() ?? []).flatMap(({ text }) => /^echo_of: .*/.exec(text) ?? []);
  await twin.until(() => channels.every((_, c) => answers(c).length >= 1), { timeoutMs: 60_000, label: "begun" });

  for (const kind of ["429", "5xx", "drop-before", "drop-after"] as const) {
    twin.fault({ kind, probability: 0.08, retryAfter: 1 });
  }
  for (let n = 0; n < EACH; n++) {
    for (const { channel, user } of channels) channel.mention(user, `message ${n}`);
    await pause(400);
    if (n % 3 === 0) twin.gateway.drop();
    if (n % 3 === 1) twin.gateway.invalidate();
  }
  await twin.until(() => channels.every((_, c) => answers(c).length >= EACH + 1), {
    timeoutMs: 200_000,
    label: "all answered",
  });
  twin.clearFaults();
  for (const [c, { channel }] of channels.entries()) {
    const said = ["first", ...Array.from({ length: EACH }, (_, n) => n)].map((n) => `echo_of: message ${n}`);
    expect(answers(c)).toEqual(said);
    const shown = channel.messages().filter(({ text }) => text !== "…");
    const from = shown.findIndex(({ text }) => text.startsWith("echo_of: message 3"));
    const beginning = words(shown.slice(from, from + 3).map(({ text }) => text));
    expect(beginning.length).toBeGreaterThan(500);
    expect(words([answerTo("message 3")]).slice(0, beginning.length)).toEqual(beginning);
    expect(shown[from + 3]?.files).toEqual([{ name: "answer.md", text: answerTo("message 3") }]);
    const others = shown.filter(({ text }) => !text.startsWith("echo_of: "));
    expect(others).toEqual(shown.slice(from + 1, from + 4));
  }
}, 300_000);
