import type { Ref, VNode } from "preact";
import { useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { WireAbout, WireMessage } from "../wire.ts";
import { draftOf, keepDraft } from "./drafts.ts";
import { Icon } from "./icon.tsx";
import { MENU_ID, Menu, matching, optionId } from "./menu.tsx";
import { excerpt } from "./quote.tsx";

export interface ComposerHandle {
  focus(): void;
  /** Puts the text into an empty field, and the cursor behind it. */
  begin(text: string): void;
  stop(): void;
}

interface ComposerProps {
  readonly channel: string;
  readonly commands: WireAbout["commands"];
  /** Something runs or waits: there is something to stop. */
  readonly busy: boolean;
  /** What the message replies to. */
  readonly answering: WireMessage | undefined;
  readonly handle: Ref<ComposerHandle>;
  onSend(text: string): void;
  onStop(): void;
  /** It is to reply to nothing after all. */
  onAnswerNone(): void;
}

/** Is never disabled: what is sent while an answer runs waits its turn. */
export function Composer(props: ComposerProps): VNode {
  const { channel, commands, busy, answering, handle, onSend, onStop, onAnswerNone } = props;
  const [text, setText] = useState(() => draftOf(channel));
  const [picked, setPicked] = useState(0);
  const [dismissed, setDismissed] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const offered = dismissed ? [] : matching(commands, text);
  const choice = offered[picked];
  const stop = (): void => {
    if (busy) onStop();
  };

  // The field is as high as its text.
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const write = (next: string): void => {
    setText(next);
    setPicked(0);
    setDismissed(false);
    keepDraft(channel, next);
  };
  const send = (message: string): void => {
    if (message.trim() === "") return;
    onSend(message.trim());
    write("");
    field.current?.focus();
  };
  const begin = (start: string): void => {
    if (field.current?.value === "") write(start);
    field.current?.focus();
  };
  useImperativeHandle(handle, () => ({ focus: () => field.current?.focus(), begin, stop }), [busy]);
  const move = (by: 1 | -1): void => setPicked((picked + by + offered.length) % offered.length);

  /** What a key means here; undefined leaves it to the browser. */
  const meaningOf = (event: KeyboardEvent): (() => void) | undefined => {
    // While an input method composes, its keys are its own.
    if (event.isComposing || event.altKey) return undefined;
    if (event.key === "Enter" && !event.shiftKey) return () => send(choice === undefined ? text : `/${choice.name}`);
    if (choice === undefined) return event.key === "Escape" && answering !== undefined ? onAnswerNone : undefined;
    if (event.key === "ArrowDown") return () => move(1);
    if (event.key === "ArrowUp") return () => move(-1);
    if (event.key === "Tab") return () => write(`/${choice.name} `);
    if (event.key === "Escape") return () => setDismissed(true);
    return undefined;
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send(text);
      }}
    >
      {offered.length > 0 && <Menu commands={offered} picked={picked} onPick={(name) => send(`/${name}`)} />}
      {answering !== undefined && (
        <p class="answering">
          <span>Replying to: {excerpt(answering)}</span>
          <button type="button" class="icon-close" aria-label="Don't reply to it" onClick={onAnswerNone}>
            <Icon name="close" />
          </button>
        </p>
      )}
      <div class="field">
        <textarea
          ref={field}
          rows={1}
          value={text}
          placeholder="Write a message"
          aria-label="Message"
          aria-controls={choice === undefined ? undefined : MENU_ID}
          aria-autocomplete="list"
          aria-activedescendant={choice === undefined ? undefined : optionId(choice.name)}
          enterkeyhint="send"
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={(event) => {
            const act = meaningOf(event);
            if (act === undefined) return;
            event.preventDefault();
            act();
          }}
        />
        {busy && (
          <button type="button" class="stop" title="Stop the answer and drop what waits (Ctrl + .)" onClick={stop}>
            <Icon name="stop" />
            Stop
          </button>
        )}
        <button type="submit" class="send" aria-label="Send" disabled={text.trim() === ""}>
          <Icon name="send" />
        </button>
      </div>
      <p class="hint">
        <kbd>Enter</kbd> sends · <kbd>Shift + Enter</kbd> new line · <kbd>/</kbd> commands
      </p>
    </form>
  );
}
