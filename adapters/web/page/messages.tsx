import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { WireMessage, WireState } from "../wire.ts";
import type { Chat, ChatView } from "./chat.ts";
import { useNow } from "./hooks.ts";
import { Icon } from "./icon.tsx";
import { BotMessage, OwnMessage } from "./message.tsx";
import { show } from "./quote.tsx";
import { type Status, statusOf, statusOfUnsent } from "./status.ts";
import { elapsed } from "./times.ts";
import { Welcome } from "./welcome.tsx";

/** So close to the end counts as being there. */
const NEAR_END_PX = 80;

interface MessagesProps {
  readonly view: ChatView;
  readonly chat: Chat;
  /** The person wants to write a reply. */
  onReply(): void;
}

export function Messages({ view, chat, onReply }: MessagesProps): VNode {
  const { room, unsent } = view;
  const { frame, onScroll, away, toEnd } = useFollowing(unsent.length);
  const shown = new Set(room.messages.map(({ key }) => key));
  const pending = unsent.filter(({ id }) => !shown.has(`in:${id}`));
  const empty = room.version !== undefined && room.messages.length === 0 && pending.length === 0;

  const statusFor = (id: string): Status | undefined => {
    const waiting = unsent.find((message) => message.id === id && !message.confirmed);
    return waiting ? statusOfUnsent(waiting) : statusOf(id, room.state, room.receipts);
  };
  const lastFailed = room.messages.findLast(
    (message) => message.role === "user" && statusFor(message.id)?.kind === "failed",
  )?.key;

  return (
    <section class="messages" ref={frame} onScroll={onScroll} aria-label="Messages" tabIndex={-1}>
      <div class="column">
        {room.more && <Older chat={chat} frame={frame} />}
        {empty && <Welcome suggestions={view.about.suggestions} onPick={(text) => chat.send(text)} />}
        <div role="log" aria-live="polite" aria-relevant="additions">
          {room.messages.map((message) =>
            message.role === "user" ? (
              <OwnMessage
                key={message.key}
                chat={chat}
                text={message.text}
                at={message.at}
                replyTo={message.replyTo}
                status={statusFor(message.id)}
                onRetry={message.key === lastFailed ? () => chat.send("/retry") : undefined}
              />
            ) : (
              <BotMessage
                key={message.key}
                message={message}
                chat={chat}
                growing={message.growing && isOfRunningTurn(message, view)}
                press={view.presses.get(message.key)}
                onReply={onReply}
              />
            ),
          )}
          {pending.map((message) => (
            <OwnMessage
              key={`in:${message.id}`}
              chat={chat}
              text={message.text}
              at={message.at}
              replyTo={message.answers}
              status={statusOfUnsent(message)}
              onDiscard={message.refused ? () => chat.discard(message.id) : undefined}
            />
          ))}
        </div>
        <Working view={view} />
      </div>
      {away && (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="down" />
          Newest
        </button>
      )}
    </section>
  );
}

/** A preview that a cancelled turn left behind grows no more, even while the next turn runs. */
function isOfRunningTurn(message: WireMessage, { room }: ChatView): boolean {
  const running = room.state?.running;
  return running !== undefined && message.at >= running.startedAt;
}

/** What the agent is doing right now, with the time it has taken so far; or that it is the person's turn. */
function Working({ view }: { view: ChatView }): VNode | null {
  const { running, waiting = [], asks = 0 } = view.room.state ?? {};
  const now = useNow(1_000, running !== undefined) + view.skew;
  const pause = running?.retryAt === undefined ? 0 : running.retryAt - now;
  if (asks > 0 && pause <= 0) return <WaitingForYou messages={view.room.messages} waiting={waiting} />;
  if (running === undefined) return null;
  const queue = waiting.length > 0 ? ` · ${waiting.length} waiting` : "";
  const text =
    pause > 0
      ? `Attempt ${running.attempt} failed. Trying again in ${elapsed(pause + 999)}`
      : `Working · ${elapsed(now - running.startedAt)}${queue}`;
  return (
    <p class="working">
      <i class="dot busy" />
      {text}
    </p>
  );
}

/** Leads to the oldest message that can be decided. */
function WaitingForYou({
  messages,
  waiting,
}: {
  messages: readonly WireMessage[];
  waiting: WireState["waiting"];
}): VNode {
  const open = messages.find((message) => message.role === "bot" && message.actions !== undefined)?.key;
  const queue = waiting.length > 0 ? ` · ${waiting.length} queued` : "";
  return (
    <p class="working asks">
      <span class="badge" aria-hidden="true">
        ?
      </span>
      <span>Waiting for you{queue}</span>
      {open !== undefined && (
        <button type="button" class="link" onClick={() => show(open)}>
          Show
        </button>
      )}
    </p>
  );
}

/** Keeps the reader where they are while earlier messages appear above. */
function Older({ chat, frame }: { chat: Chat; frame: { current: HTMLElement | null } }): VNode {
  const [state, setState] = useState<"idle" | "loading" | "failed">("idle");
  const load = async (): Promise<void> => {
    setState("loading");
    const element = frame.current;
    const fromEnd = element === null ? 0 : element.scrollHeight - element.scrollTop;
    try {
      await chat.loadOlder();
      setState("idle");
      requestAnimationFrame(() => element?.scrollTo({ top: element.scrollHeight - fromEnd }));
    } catch {
      // Whatever it was, the person can ask once more.
      setState("failed");
    }
  };
  return (
    <button type="button" class="earlier" disabled={state === "loading"} onClick={() => void load()}>
      {state === "failed" ? "That did not work. Try again" : "Show earlier messages"}
    </button>
  );
}

/** Stays at the end while the reader is there, and leaves them alone when they have scrolled up. */
function useFollowing(unsent: number) {
  const frame = useRef<HTMLElement>(null);
  const following = useRef(true);
  const [away, setAway] = useState(false);

  const toEnd = (): void => {
    following.current = true;
    setAway(false);
    frame.current?.scrollTo({ top: frame.current.scrollHeight });
  };
  const onScroll = (): void => {
    const element = frame.current;
    if (element === null) return;
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
    setAway(!following.current);
  };

  // Own words are looked at when they are sent.
  useLayoutEffect(toEnd, [unsent]);
  useLayoutEffect(() => {
    if (following.current) frame.current?.scrollTo({ top: frame.current.scrollHeight });
  });
  useEffect(() => {
    // The frame gets smaller when the composer grows or a keyboard opens.
    const observer = new ResizeObserver(() => following.current && toEnd());
    if (frame.current !== null) observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return { frame, onScroll, away, toEnd };
}
