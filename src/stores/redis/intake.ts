/** What comes in from the platforms: messages, commands, and what is refused. */
import type { Amendment, Cancellation, ChannelId, Control, InboundEvent, Message } from "../../model.ts";
import type { Accepted, AcceptOptions, ControlDraft, Signalled } from "../../store.ts";
import type { Context } from "./context.ts";
import { encode } from "./keys.ts";
import { readQueue, readReceipt } from "./reading.ts";
import { droppedReceipt, markOf, viewReceipt } from "./receipts.ts";
import { list, number, text } from "./reply.ts";
import { restOfSay, writeMessage } from "./turns.ts";

/** See `Store.accept`. */
export async function accept(
  context: Context,
  event: InboundEvent,
  { max, fullNotice }: AcceptOptions,
): Promise<Accepted> {
  const { channel, id, sender, text: said, sentAt, caughtUp, files, source } = event;
  const more = { ...(files === undefined ? {} : { files }), ...(source === undefined ? {} : { source }) };
  const now = context.clock.now();
  const message: Message = { id, sender, text: said, sentAt, acceptedAt: now, ...more };
  const notice = JSON.stringify({ kind: "notice", text: fullNotice });
  const mark = markOf(caughtUp);
  const refusal = mark + droppedReceipt(now, "the queue is full");
  const reply = list(
    await context.onChannel(
      "accept",
      channel,
      encode(id),
      writeMessage(message),
      max,
      notice,
      refusal,
      context.dedupeFor,
      mark,
      restOfSay(event),
    ),
  );
  switch (text(reply[0])) {
    case "queued":
      context.hints.work("inbox", channel, text(reply[2]));
      return { status: "queued", position: number(reply[1]) };
    case "aside":
      context.hints.work("control", channel, text(reply[1]));
      return { status: "aside" };
    case "full":
      if (reply[1] === 1) context.hints.work("outbox", channel, text(reply[2]));
      else context.hints.change("state", channel);
      return { status: "full" };
    default: {
      const receipt = viewReceipt(id, text(reply[1]), { head: number(reply[2]), turn: text(reply[3]) });
      // The first call's answer, and its hint with it, may have got lost.
      if (receipt.receipt.state === "queued") {
        context.hints.work(receipt.position === undefined ? "control" : "inbox", channel, text(reply[4]));
      }
      return { status: "duplicate", receipt };
    }
  }
}

/** See `Store.signal`. */
export async function signal(
  context: Context,
  { channel, id, sender, replyTo, caughtUp }: InboundEvent,
  {
    command,
    args,
    cancel = "" as const,
    enqueues,
    reason,
  }: { cancel?: ControlDraft["cancel"] | "" } & Omit<ControlDraft, "cancel">,
): Promise<Signalled> {
  const now = context.clock.now();
  const control: Control = {
    ...{ id, command, args, sender, at: now },
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(enqueues ? { enqueues } : {}),
  };
  const cancellation: Cancellation = { by: sender.id, reason, at: now };
  const because = encode(reason);
  const reply = list(
    await context.onChannel(
      "signal",
      channel,
      encode(id),
      JSON.stringify(control),
      cancel,
      `${because}\n${JSON.stringify(cancellation)}`,
      because,
      context.dedupeFor,
      markOf(caughtUp),
    ),
  );
  if (text(reply[0]) === "duplicate") {
    context.hints.work("control", channel, text(reply[1]));
    return { status: "duplicate" };
  }
  const turn = text(reply[1]);
  const effect = { cancelledTurn: turn === "" ? null : turn, dropped: number(reply[2]) };
  context.hints.work("control", channel, text(reply[3]));
  // It is to be ended now.
  if (reply[4] === 1) context.hints.work("inbox", channel, text(reply[3]));
  if (effect.cancelledTurn !== null || effect.dropped > 0) context.hints.change("state", channel);
  return { status: "stored", effect };
}

/** See `Store.amend`. */
export async function amend(
  context: Context,
  { channel, id, text: said }: Amendment,
  reason: string,
): Promise<boolean> {
  const entry = (each: Message) => `${encode(id)}\n${writeMessage(each)}`;
  return await context.repeats.run(`amend ${JSON.stringify([channel, id, said, reason])}`, "", async (_, isRepeat) => {
    for (;;) {
      const { waiting } = await readQueue(context, channel);
      const message = waiting.find((each) => each.id === id);
      if (message === undefined) return isRepeat && said === null && (await isDropped(context, channel, id, reason));
      const after = said === null ? "" : entry({ ...message, text: said });
      const receipt = droppedReceipt(context.clock.now(), reason);
      // Where it was changed since it was read, it is looked at again.
      if ((await context.onChannel("amend", channel, entry(message), after, receipt)) !== 1) continue;
      context.hints.change("state", channel);
      return true;
    }
  });
}

async function isDropped(context: Context, channel: ChannelId, id: string, reason: string): Promise<boolean> {
  const { receipt } = (await readReceipt(context, channel, id)) ?? {};
  return receipt?.state === "dropped" && receipt.reason === reason;
}

/** See `Store.refuse`. */
export async function refuse(
  context: Context,
  { channel, id }: InboundEvent,
  reason: string,
): Promise<"refused" | "duplicate"> {
  const receipt = droppedReceipt(context.clock.now(), reason);
  const refused = await context.onChannel("refuse", channel, encode(id), receipt, context.dedupeFor);
  if (refused !== 1) return "duplicate";
  context.hints.change("state", channel);
  return "refused";
}
