/** The part of the port of `stores/` that keeps asks, with the obligations of `store.ts`. */
import type {
  Ask,
  AskRequest,
  AuditEntry,
  ChannelId,
  OutboxDraft,
  OutboxEntry,
  Sender,
  Surface,
  Verdict,
} from "./model.ts";
import type { Fence } from "./store.ts";

/**
 * Unfenced but for `openAsk`: from any replica. Each change of an ask adds, in the same step, a card entry for every
 * message that shows it (so that it is edited), and an entry of the audit log.
 */
export interface AskStore {
  /**
   * Opens an ask, with `draft.outbox` ahead of its cards: one, or one for each question. Rejects with STALE_FENCE where
   * it names a turn that is not in flight (any more).
   */
  openAsk(channel: ChannelId, fence: Fence, draft: AskDraft): Promise<AskOpened>;

  /**
   * Answers one question, or decides the ask; the first wins. The last answer decides, too. A decision leaves a command
   * `ask` (its arguments: the id) for the owner, and wakes a suspended turn whose last open ask it was. Rejects with
   * ASK_UNKNOWN.
   */
  answerAsk(id: string, answer: AskAnswer): Promise<AskAnswered>;

  /** Ends an ask that is open, as a decision would; `already` where it isn't. Rejects with ASK_UNKNOWN. */
  endAsk(id: string, end: AskEnding): Promise<AskAnswered>;

  /**
   * Adds a reminder (a card entry that replies to the first message that shows it) and gives true, where the ask is
   * open, is shown, its channel runs no turn other than the ask's own, and it was opened or last reminded of
   * `cooldown` ms ago or longer. `dueAt` is stored in any case where it is open.
   */
  remindAsk(id: string, cooldown: number, dueAt: number | undefined): Promise<boolean>;

  ask(id: string): Promise<Ask | undefined>;
  /** Open ones, oldest first. */
  asks(query: AskQuery): Promise<AskPage>;
  /** Open ones whose `dueAt` has come, over all channels, the longest due first. Its cost grows with what it gives. */
  dueAsks(limit: number): Promise<Ask[]>;
  /** The audit log: append-only, oldest first. A removed session's entries stay. */
  audit(page: { limit: number; after?: string }): Promise<AuditPage>;
}

export interface AskDraft
  extends Pick<Ask, "request" | "requester" | "approvers" | "key">,
    Partial<Pick<Ask, "turn" | "brief" | "context" | "dueAt">> {
  readonly outbox: readonly OutboxDraft[];
}

export interface AskOpened {
  readonly ask: Ask;
  /** The drafts and the cards as they are stored, in order. */
  readonly outbox: OutboxEntry[];
}

export interface AskAnswer {
  readonly by: Sender;
  readonly via: Surface;
  /** Of questions: which one, and the answer. Else `verdict`. */
  readonly question?: string;
  readonly value?: string;
  readonly verdict?: Verdict;
}

export type AskEnding =
  | { readonly state: "expired" }
  | { readonly state: "withdrawn"; readonly reason: string; readonly by?: Sender };

export interface AskAnswered {
  /**
   * `accepted`: other questions are open still. `already`: nothing was changed, that question was answered or the ask
   * ended before. A repeated call whose first answer got lost may be told `already`.
   */
  readonly status: "accepted" | "decided" | "already";
  readonly ask: Ask;
}

export interface AskQuery {
  readonly limit: number;
  readonly cursor?: string;
  readonly channel?: ChannelId;
  readonly kind?: AskRequest["kind"];
}

export interface AskPage {
  readonly asks: Ask[];
  readonly cursor?: string;
}

export interface AuditPage {
  readonly entries: AuditEntry[];
  /** Where to go on, also later; absent where the log is empty. */
  readonly after?: string;
}
