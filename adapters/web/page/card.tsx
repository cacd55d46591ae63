import type { VNode } from "preact";
import type { WireAction } from "../wire.ts";
import { Actions } from "./actions.tsx";
import type { PressView } from "./presses.ts";

interface CardProps {
  /** None any more where it was decided. */
  readonly actions: readonly WireAction[] | undefined;
  readonly press: PressView | undefined;
  onPress(data: string, value?: string): void;
  onGiveUp(): void;
  onReply(): void;
}

/** What can be done about a message, and what came of it. */
export function Card({ actions, press, onPress, onGiveUp, onReply }: CardProps): VNode {
  return (
    <div class="card-foot">
      {actions !== undefined && <Actions actions={actions} disabled={press?.state === "under way"} onPress={onPress} />}
      <div class="card-notes">
        <Note press={press} decided={actions === undefined} onGiveUp={onGiveUp} />
        {actions !== undefined && (
          <button type="button" class="reply" onClick={onReply}>
            Reply
          </button>
        )}
      </div>
    </div>
  );
}

interface NoteProps extends Pick<CardProps, "press" | "onGiveUp"> {
  readonly decided: boolean;
}

function Note({ press, decided, onGiveUp }: NoteProps): VNode {
  if (press?.state === "under way" && press.trouble !== undefined) {
    return (
      <p class="note failed" role="alert">
        Not taken yet: {press.trouble} Trying again…{" "}
        <button type="button" class="link" onClick={onGiveUp}>
          Cancel
        </button>
      </p>
    );
  }
  if (press?.state === "answered" && !press.ok) {
    return (
      <p class="note failed" role="alert">
        {press.text}
      </p>
    );
  }
  // The message itself says it by now; it is only said to those who can't see that.
  const done = decided && press?.state === "answered";
  return (
    <p class={done ? "note visually-hidden" : "note"} role="status">
      {press?.state === "under way" ? "Sending…" : press?.text}
    </p>
  );
}
