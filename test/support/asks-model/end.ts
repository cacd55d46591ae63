/** Brings a scene to its end: whatever is open is decided, whatever runs is done. */
import { type Ask, channelId, type Sender } from "../../../src/model.ts";
import { watch } from "./reminders.ts";
import { ANN, BOB, cooldown, mayDecide, ROOT } from "./rules.ts";
import { finish } from "./steps.ts";
import { CHATS, type World } from "./world.ts";

/** Everything that happens by itself has happened. */
export async function rest(world: World): Promise<void> {
  world.platform.flaky = { times: 0, after: false };
  world.away = 0;
  await world.start(0);
  await world.redeliver();
  // Whoever waits to try again does.
  for (let tries = 0; tries < 3; tries += 1) {
    await world.quiet();
    world.clock.advance(4_000);
  }
  await world.until(
    async () => {
      await world.quiet();
      return (await world.store.stats()).undelivered === 0;
    },
    async () => `all is delivered; ${JSON.stringify(await world.store.stats())}`,
  );
}

/** Whoever is not heeded reminds again, unless the agent is at work. */
export async function reminded(world: World): Promise<void> {
  const { settings } = world.options;
  if (!settings.remindEvery || settings.expireAfter !== undefined) return;
  for (const ask of await world.open()) {
    const { running } = await world.store.queue(ask.channel);
    if (running && running.id !== ask.turn) continue;
    const due = 2 * cooldown(settings, ask.reminders + 1);
    world.clock.advance(due);
    await world.until(
      async () => {
        await watch(world);
        const now = await world.store.ask(ask.id);
        return now?.end !== undefined || (now?.reminders ?? 0) > ask.reminders;
      },
      () => `somebody is reminded of ${ask.id}`,
    );
  }
}

export async function finishAll(world: World): Promise<void> {
  let turns = 0;
  const isOver = async () => {
    await world.quiet();
    if ((await world.open()).length > 0) return false;
    const queues = await Promise.all(CHATS.map((chat) => world.store.queue(channelId("local", chat))));
    return queues.every(({ running, waiting }) => !running && waiting.length === 0);
  };
  await world.until(
    async () => {
      if (await isOver()) return true;
      for (const chat of CHATS) {
        const run = world.live(chat);
        if (run && !run.isWaiting) finish(world, run);
      }
      const [ask] = await world.open();
      if (ask) await settle(world, ask, turns);
      turns += 1;
      return false;
    },
    async () => {
      const queues = await Promise.all(CHATS.map((chat) => world.store.queue(channelId("local", chat))));
      return `all is over; ${JSON.stringify([await world.open(), queues])}`;
    },
  );
  await rest(world);
}

/** Decides, from one surface after the other, as somebody who may. */
async function settle(world: World, ask: Ask, turns: number): Promise<void> {
  const by = [ANN, BOB, ROOT].find(({ id }) => mayDecide(ask, id)) ?? ROOT;
  const { channel, request, id } = ask;
  switch (turns % 4) {
    case 0:
      await pressFor(world, ask, by);
      break;
    case 1:
      await world.say(0, {
        channel,
        sender: by,
        text: request.kind === "questions" ? "/answer 1 2" : "/reject 1 enough",
      });
      break;
    case 2:
      await world.say(0, { channel, sender: by, text: request.kind === "questions" ? "Red" : "no", ...cardOf(ask) });
      break;
    default: {
      const question =
        request.kind === "questions" ? request.questions.find((each) => !ask.answers[each.id]) : undefined;
      const decision = question
        ? { question: question.id, value: question.choices?.[0]?.id ?? "x" }
        : { verdict: { kind: "rejected" } as const };
      const choice = "verdict" in decision ? "rejected" : decision.question;
      const value = "verdict" in decision ? undefined : decision.value;
      world.tries.push({ ask: id, by: "operator:end", via: "api", choice, value, ok: true, at: world.tick() });
      await world.life().gateway.operations.decide(id, decision, "end");
    }
  }
  await world.quiet();
}

function cardOf({ shown, answers }: Ask): { answers: string } | Record<string, never> {
  const card = shown.find(({ question }) => question === undefined || answers[question] === undefined);
  return card ? { answers: card.ref } : {};
}

async function pressFor(world: World, { id, channel }: Ask, sender: Sender): Promise<void> {
  const button = world.platform.shown().find(({ action }) => action.data.startsWith(`${id}:`));
  if (!button) {
    world.broken.push(`${id} is open, and no button of it is shown`);
    return;
  }
  const { data } = button.action;
  const value = button.action.kind === "button" ? undefined : "some";
  const made = {
    ask: id,
    by: sender.id,
    via: "button" as const,
    choice: data.split(":")[1] ?? "",
    value,
    ok: true,
    at: world.tick(),
  };
  world.tries.push(made);
  const told = await world.press(0, { channel, sender, data, ...(value === undefined ? {} : { value }) });
  if (!told?.ok) world.broken.push(`${sender.id} may decide ${id}, and was told: ${told?.text}`);
}
