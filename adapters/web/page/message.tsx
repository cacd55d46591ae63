import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { WireMessage } from "../wire.ts";
import { Card } from "./card.tsx";
import type { Chat } from "./chat.ts";
import { Icon } from "./icon.tsx";
import type { PressView } from "./presses.ts";
import { articleId, Quote } from "./quote.tsx";
import type { Status } from "./status.ts";
import { fullTime } from "./times.ts";

interface OwnMessageProps {
  readonly chat: Chat;
  readonly text: string;
  readonly at: number;
  /** The key of the message that it replies to. */
  readonly replyTo: string | undefined;
  readonly status: Status | undefined;
  readonly onRetry?: (() => void) | undefined;
  readonly onDiscard?: (() => void) | undefined;
}

export function OwnMessage({ chat, text, at, replyTo, status, onRetry, onDiscard }: OwnMessageProps): VNode {
  return (
    <article class="message own" aria-label="You" data-state={status?.kind}>
      {replyTo !== undefined && <Quote replyTo={replyTo} chat={chat} />}
      <p class="bubble" title={fullTime(at)}>
        {text}
      </p>
      {status !== undefined && (
        <p class={`status ${status.kind}`}>
          {status.kind === "answered" && <Icon name="check" />}
          {status.kind === "running" && <i class="dot busy" />}
          {status.kind === "failed" && <Icon name="alert" />}
          <span title={status.text}>{status.text}</span>
          {onRetry !== undefined && (
            <button type="button" class="link" onClick={onRetry}>
              Retry
            </button>
          )}
          {onDiscard !== undefined && (
            <button type="button" class="link" onClick={onDiscard}>
              Discard
            </button>
          )}
        </p>
      )}
    </article>
  );
}

interface BotMessageProps {
  readonly message: Extract<WireMessage, { role: "bot" }>;
  readonly chat: Chat;
  readonly growing: boolean;
  readonly press: PressView | undefined;
  onReply(): void;
}

export function BotMessage({ message, chat, growing, press, onReply }: BotMessageProps): VNode {
  const { key, html, at, replyTo, actions } = message;
  // The gateway made this HTML from a syntax tree: it holds no markup of the agent's own.
  const body = useMemo(
    () => <div class="markdown" title={fullTime(at)} dangerouslySetInnerHTML={{ __html: html }} />,
    [html, at],
  );
  const asks = actions !== undefined;
  return (
    <article
      id={articleId(key)}
      class={`message bot${growing ? " growing" : ""}${asks ? " card" : ""}`}
      aria-label={asks ? "To be decided" : "Answer"}
      aria-busy={growing}
      tabIndex={-1}
    >
      {replyTo !== undefined && <Quote replyTo={replyTo} chat={chat} />}
      {body}
      {(asks || press !== undefined) && (
        <Card
          actions={actions}
          press={press}
          onPress={(data, value) => chat.press(key, data, value)}
          onGiveUp={() => chat.giveUp(key)}
          onReply={() => {
            chat.answer(key);
            onReply();
          }}
        />
      )}
    </article>
  );
}
