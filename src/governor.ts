/**
 * The port of what keeps one bot account below its platform's pace. Platforms count messages and edits alike, per chat
 * and over all; who writes faster is refused for seconds to minutes. So the room there is goes to final texts first,
 * and previews make do with what is left over.
 *
 * An account has one governor, however many processes send for it. Obligations (`test/conformance/governor.ts` holds
 * every implementation to them):
 * - Each method is one decision, whole before the next one of any process, by one clock for all of them.
 * - None of them waits for room; that is up to the caller (`adapters/shared/pacing.ts`).
 * - Where no decision can be had it rejects with STORE_UNAVAILABLE. Room may have been taken then: it comes back by itself.
 * - Nothing is kept of a chat that has all its room back and is not paused.
 */

/** A bucket that `burst` fit into and that regains room for one every `every` ms. */
export interface Rate {
  readonly burst: number;
  readonly every: number;
}

export interface Governor {
  /**
   * Takes the next place for a final text, in the chat and then over all. The place may be up to `within` ms ahead;
   * where it would be farther, nothing is taken. Over all a place is taken only when the chat's own has come, so that
   * who waits for a busy chat keeps nobody else from sending: then the answer says to ask again with what is held.
   */
  reserve(chat: string, rate: Rate, request: ReserveRequest): Promise<Reservation>;

  /**
   * Whether there is room at this moment for something that can as well be left out, and takes it. It leaves
   * room for one final text in the chat where its burst is above 1, and for a sixth of the burst over all.
   */
  spare(chat: string, rate: Rate): Promise<boolean>;

  /**
   * The platform refused: nothing goes to this chat for `ms`, whoever asks, also after a restart of all processes
   * where they share a store. A longer pause stays. Three chats refused within a second mean that the account as a
   * whole is too fast: then all chats pause for `ms`.
   */
  pause(chat: string, ms: number): Promise<void>;
}

/** `chat`: the place in the chat; `all`: that and the one over all. */
export type Held = "nothing" | "chat" | "all";

export interface ReserveRequest {
  /** What an earlier answer gave; with `all` it is only asked whether there is a pause meanwhile. */
  readonly held: Held;
  readonly within: number;
}

/**
 * - `held`: ask again after `wait` ms with what is held now. `all` without a wait: send.
 * - `full`: too many wait already; in `retryAfter` ms there is room.
 * - `paused`: the platform has asked for it, in this chat or in all.
 */
export type Reservation =
  | { readonly status: "held"; readonly held: "chat" | "all"; readonly wait: number }
  | { readonly status: "full"; readonly retryAfter: number }
  | { readonly status: "paused"; readonly where: "chat" | "all"; readonly retryAfter: number };
