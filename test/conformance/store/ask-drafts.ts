/** Short names for what the parts of the suite that deal with asks have in common. */
import type { Ask, PermissionRequest, PlanRequest, QuestionsRequest } from "../../../src/model.ts";
import type { AskDraft, AskOpened, Lease, Store } from "../../../src/store.ts";
import { ANN, CHANNEL } from "./stage.ts";

export const BOB = { id: "telegram:7", name: "Bob" };

export const PLAN: PlanRequest = { kind: "plan", text: "First this,\nthen that." };
export const PERMISSION: PermissionRequest = {
  kind: "permission",
  text: "May I run `ls`?",
  tool: "bash",
  target: "ls",
};
export const QUESTIONS: QuestionsRequest = {
  kind: "questions",
  text: "Before I begin:",
  questions: [
    { id: "colour", prompt: "Which colour?", choices: [{ id: "r", label: "Red" }], free: true, grounded: true },
    { id: "größe; 1,2", prompt: "How large?" },
  ],
};

export function asking(draft: Partial<AskDraft> = {}): AskDraft {
  return { request: PERMISSION, requester: ANN, approvers: "requester", key: "secret", outbox: [], ...draft };
}

/** What became of it when a person approves. */
export const APPROVED = { by: BOB, via: "button", verdict: { kind: "approved", scope: "once" } } as const;

export function openAsk(store: Store, lease: Lease, draft: Partial<AskDraft> = {}): Promise<AskOpened> {
  return store.openAsk(lease.session.channel, lease.fence, asking(draft));
}

/** Settles every reply in the outbox as sent: cards as messages `<entry's id>`, where they have none, at the ask's version of now. */
export async function deliver(store: Store, { session: { channel }, fence }: Lease): Promise<void> {
  for (const { id, card, ref = `message ${id}` } of (await store.pending(channel, fence)).outbox) {
    const version = card && (await store.ask(card.ask))?.version;
    const shown = version === undefined ? {} : { shown: { ref, version } };
    await store.settleDelivery(channel, fence, id, { status: "delivered", ...shown });
  }
}

/** Opens an ask and delivers its cards. */
export async function openShown(store: Store, lease: Lease, draft: Partial<AskDraft> = {}): Promise<Ask> {
  const { ask } = await openAsk(store, lease, draft);
  await deliver(store, lease);
  return await read(store, ask.id);
}

/** There must be one. */
export async function read(store: Store, id: string): Promise<Ask> {
  const ask = await store.ask(id);
  if (ask === undefined) throw new Error(`there is no ask ${id}`);
  return ask;
}

/** The cards that wait to be sent or edited, without their ids. */
export async function cardsIn(store: Store, { session: { channel }, fence }: Lease) {
  const { outbox } = await store.pending(channel, fence);
  return outbox.flatMap(({ card, ref, replyTo }) =>
    card === undefined
      ? []
      : [{ ...card, ...(ref === undefined ? {} : { ref }), ...(replyTo === undefined ? {} : { replyTo }) }],
  );
}

/** Ends the commands that wait. */
export async function finishAll(store: Store, { fence }: Lease, channel = CHANNEL): Promise<void> {
  for (const { id } of (await store.pending(channel, fence)).controls) {
    await store.finishControl(channel, fence, { control: id, outbox: [] });
  }
}
