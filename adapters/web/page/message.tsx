import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { Icon } from "./icon.tsx";
import type { Status } from "./status.ts";
import { fullTime } from "./times.ts";

interface OwnMessageProps {
  readonly text: string;
  readonly at: number;
  readonly status: Status | undefined;
  readonly onRetry?: (() => void) | undefined;
  readonly onDiscard?: (() => void) | undefined;
}

export function OwnMessage({ text, at, status, onRetry, onDiscard }: OwnMessageProps): VNode {
  return (
    <article class="message own" aria-label="You" data-state={status?.kind}>
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

export function BotMessage({ html, at, growing }: { html: string; at: number; growing: boolean }): VNode {
  // The gateway made this HTML from a syntax tree: it holds no markup of the agent's own.
  const body = useMemo(
    () => <div class="markdown" title={fullTime(at)} dangerouslySetInnerHTML={{ __html: html }} />,
    [html, at],
  );
  return (
    <article class={growing ? "message bot growing" : "message bot"} aria-label="Answer" aria-busy={growing}>
      {body}
    </article>
  );
}
