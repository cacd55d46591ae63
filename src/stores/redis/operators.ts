/** What operators do: dead letters, and removing sessions. */
import { SwitchboardError } from "../../errors.ts";
import type { ChannelId, DeadLetter } from "../../model.ts";
import type { Context } from "./context.ts";
import { decode, encode } from "./keys.ts";
import { readLetter } from "./letters.ts";
import { list, text } from "./reply.ts";

/** See `Store.replay`. */
export async function replay(context: Context, id: string): Promise<void> {
  const letter = await findLetter(context, id);
  await context.repeats.run(`replay ${id}`, "", async (_, isRepeat) => {
    const reply = letter === undefined ? ["unknown"] : await context.onChannel("replay", letter.channel, encode(id));
    const [status, owner] = list(reply);
    if (letter !== undefined && status !== "unknown") {
      context.hints.work(status === "outbox" ? "outbox" : "inbox", letter.channel, text(owner));
    } else if (!isRepeat) {
      throw unknownLetter(id);
    }
  });
}

/** See `Store.discard`. */
export async function discard(context: Context, id: string): Promise<void> {
  const letter = await findLetter(context, id);
  await context.repeats.run(`discard ${id}`, "", async (_, isRepeat) => {
    const shard = letter === undefined ? undefined : context.keys.shardOf(letter.channel);
    const gone = shard === undefined ? 0 : await context.onRow("discard", shard, "d", encode(id), encode(id));
    if (gone !== 1 && !isRepeat) throw unknownLetter(id);
  });
}

/** The newest first. */
export async function readDeadLetters(
  context: Context,
  { channel, limit }: { channel?: ChannelId; limit: number },
): Promise<DeadLetter[]> {
  const { client, keys } = context;
  const shards = channel === undefined ? keys.all : [keys.shardOf(channel)];
  const most = channel === undefined ? limit - 1 : -1;
  const names = await context.do(() =>
    Promise.all(
      shards.map(async (shard) => {
        if (limit < 1) return [];
        const flat = await client.zrevrange(`${keys.base(shard)}z`, 0, most, "WITHSCORES");
        return flat.flatMap((name, index) => (index % 2 === 0 ? [{ shard, name, at: Number(flat[index + 1]) }] : []));
      }),
    ),
  );
  const letters: DeadLetter[] = [];
  for (const { shard, name } of names.flat().sort((a, b) => b.at - a.at)) {
    if (letters.length >= limit) break;
    const letter = await letterOf(context, shard, name);
    if (letter !== undefined && (channel === undefined || letter.channel === channel)) letters.push(letter);
  }
  return letters;
}

/** See `Store.remove`. */
export async function remove(context: Context, id: string): Promise<void> {
  await context.repeats.run(`remove ${id}`, "", (_, isRepeat) => removeSession(context, id, isRepeat));
}

async function removeSession(context: Context, id: string, isRepeat: boolean): Promise<void> {
  const shard = await context.shardOf("s", id);
  const reason = encode("the session was removed");
  const reply =
    shard === undefined
      ? ["unknown"]
      : await context.onRow("remove", shard, "s", encode(id), encode(id), reason, context.dedupeFor);
  const [status, home, owner] = list(reply);
  if (status === "unknown") {
    if (isRepeat) return;
    throw new SwitchboardError("SESSION_UNKNOWN", `There is no session ${id}.`);
  }
  const channel = decode(text(home)) as ChannelId;
  context.hints.change("state", channel);
  // Its owner's next look is refused: so it learns that there is nothing to own any more.
  if (text(owner) !== "" && !context.members.isOwn(text(owner))) context.hints.work("control", channel, text(owner));
}

async function findLetter(context: Context, id: string): Promise<DeadLetter | undefined> {
  context.assertOpen();
  for (const shard of context.keys.shardsOfLetter(id)) {
    const letter = await letterOf(context, shard, encode(id));
    if (letter !== undefined) return letter;
  }
  return undefined;
}

async function letterOf(context: Context, shard: number, name: string): Promise<DeadLetter | undefined> {
  const key = `${context.keys.base(shard)}d:${name}`;
  return readLetter(decode(name), await context.do(() => context.client.hgetall(key)));
}

function unknownLetter(id: string): SwitchboardError {
  return new SwitchboardError("DEAD_LETTER_UNKNOWN", `There is no dead letter ${id}.`);
}
