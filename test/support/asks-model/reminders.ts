/** Watches when people are reminded. It looks after each step. */
import { type Ask, channelId } from "../../../src/model.ts";
import { cooldown } from "./rules.ts";
import { CHATS, type Life, type World } from "./world.ts";

interface Seen {
  readonly asks: Map<string, Ask>;
  /** The turn in flight in each channel. */
  readonly turns: Map<string, string | undefined>;
}

const seen = new WeakMap<World, Seen>();

export async function watch(world: World): Promise<void> {
  const [life] = world.up;
  if (!life) return;
  const before = seen.get(world) ?? { asks: new Map(), turns: new Map() };
  // A turn that is seen on both sides of a look was in flight when it happened.
  const turns = await turnsOf(life);
  const open = await world.open();
  const after = await turnsOf(life);
  for (const [channel, turn] of turns) if (after.get(channel) !== turn) turns.set(channel, undefined);
  const now: Seen = { asks: new Map(open.map((ask) => [ask.id, ask])), turns };
  for (const [id, earlier] of before.asks) {
    const ask = now.asks.get(id) ?? (await life.store.ask(id));
    if (ask) compare(world, earlier, ask, before.turns.get(ask.channel), now.turns.get(ask.channel));
  }
  for (const ask of open) if (!before.asks.has(ask.id)) compare(world, asOpened(ask), ask, undefined, undefined);
  seen.set(world, now);
}

/** One that was opened, and perhaps reminded of already, since the last look. */
function asOpened({ remindedAt: _, ...ask }: Ask): Ask {
  return { ...ask, reminders: 0 };
}

async function turnsOf({ store }: Life): Promise<Map<string, string | undefined>> {
  const channels = CHATS.map((chat) => channelId("local", chat));
  const queues = await Promise.all(channels.map((channel) => store.queue(channel)));
  return new Map(channels.map((channel, index) => [channel, queues[index]?.running?.id]));
}

function compare(world: World, before: Ask, now: Ask, turnBefore: string | undefined, turn: string | undefined): void {
  const { settings } = world.options;
  const count = now.reminders - before.reminders;
  if (count === 0) return;
  const say = (what: string) => world.broken.push(`${now.id} was reminded of ${what}`);
  if (settings.remindEvery === undefined) say("though that is off");
  if (now.remindedAt === undefined) say("at no time");
  const since = (now.remindedAt ?? 0) - (before.remindedAt ?? now.openedAt);
  let least = 0;
  for (let n = before.reminders; n < now.reminders; n += 1) least += cooldown(settings, n);
  if (since < least) say(`${count} times within ${since} ms, not ${least}`);
  if (turn !== undefined && turn === turnBefore && turn !== now.turn) say("while a turn was running");
}
