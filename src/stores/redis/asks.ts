/** What an agent wants from people. */
import { SwitchboardError } from "../../errors.ts";
import type { Ask, AskDecision, ChannelId, Control, Json, Sender } from "../../model.ts";
import type { AskDraft, Fence } from "../../store.ts";
import { mintAskId } from "../shared/ids.ts";
import { type Context, staleFence } from "./context.ts";
import { decode, encode } from "./keys.ts";
import { list, text } from "./reply.ts";
import { writeDrafts } from "./turns.ts";

/** See `Store.openAsk`. */
export async function openAsk(context: Context, channel: ChannelId, fence: Fence, draft: AskDraft): Promise<Ask> {
  const name = `ask ${JSON.stringify([channel, draft])}`;
  return await context.repeats.run(name, mintAskId(channel), async (id) => {
    const { kind, text: said, turn, outbox } = draft;
    const openedAt = context.clock.now();
    const ask = { id, channel, ...(turn === undefined ? {} : { turn }), kind, text: said, openedAt };
    const drafts = writeDrafts(outbox);
    const [status, session, stored] = list(
      await context.asOwner("ask-open", channel, fence, id, JSON.stringify(ask), drafts.length, ...drafts),
    );
    if (status === "stale") throw staleFence(channel);
    context.hints.change("state", channel);
    return { ...(JSON.parse(text(stored)) as Omit<Ask, "session">), session: text(session) };
  });
}

/** See `Store.decideAsk`. The owner learns of it as a command `ask` whose arguments are the ask's id. */
export async function decideAsk(
  context: Context,
  id: string,
  answer: Json,
  by: Sender,
): Promise<{ status: "decided" | "already"; decision: AskDecision }> {
  const shard = await context.shardOf("a", id);
  if (shard === undefined) throw unknown(id);
  const at = context.clock.now();
  const decision: AskDecision = { answer, by, at };
  const control: Control = { id: `ask:${id}`, command: "ask", args: id, sender: by, at };
  const command = [encode(control.id), JSON.stringify(control)];
  const [status, ...rest] = list(
    await context.onRow("ask-decide", shard, "a", encode(id), encode(id), JSON.stringify(decision), ...command),
  );
  if (status === "unknown") throw unknown(id);
  if (status === "already") return { status: "already", decision: JSON.parse(text(rest[0])) as AskDecision };
  context.hints.work("control", decode(text(rest[0])) as ChannelId, text(rest[1]));
  return { status: "decided", decision };
}

/** See `Store.askReminded`. */
export async function askReminded(context: Context, id: string, cooldown: number): Promise<boolean> {
  const shard = await context.shardOf("a", id);
  if (shard === undefined) return false;
  const key = `${context.keys.base(shard)}a:${encode(id)}`;
  return (await context.do(() => context.scripts.run("ask-remind", key, context.clock.now(), cooldown))) === 1;
}

function unknown(id: string): SwitchboardError {
  return new SwitchboardError("ASK_UNKNOWN", `There is no ask ${id}.`);
}
