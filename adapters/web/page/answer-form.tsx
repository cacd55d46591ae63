import type { VNode } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { WireAction } from "../wire.ts";
import type { ActionProps } from "./actions.tsx";
import { draftOf, keepDraft } from "./drafts.ts";

interface AnswerFormProps extends ActionProps {
  readonly action: Extract<WireAction, { kind: "form" }>;
  /** There is nothing else to do: no button has to be pressed to see the field. */
  readonly alone: boolean;
}

export function AnswerForm({ action: { label, data, prompt }, alone, disabled, onPress }: AnswerFormProps): VNode {
  const [text, setText] = useState(() => draftOf(data));
  const [open, setOpen] = useState(alone || text !== "");
  const [asked, setAsked] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const id = useId();
  const idle = disabled || text.trim() === "";

  useEffect(() => {
    if (!asked) return;
    if (open) field.current?.focus();
    else opener.current?.focus();
  }, [asked, open]);

  // The field is as high as its text.
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + element.offsetHeight - element.clientHeight}px`;
  }, [text, open]);

  const toggle = (): void => {
    setAsked(true);
    setOpen(!open);
  };
  const write = (next: string): void => {
    setText(next);
    keepDraft(data, next);
  };
  const send = (): void => {
    if (idle) return;
    onPress(data, text.trim());
    // It goes on to stand in the field, in case that it can't be taken.
    keepDraft(data, "");
  };

  return (
    <>
      {!alone && (
        <button type="button" ref={opener} class="action" aria-expanded={open} aria-controls={id} onClick={toggle}>
          {label}
        </button>
      )}
      {open && (
        <form
          id={id}
          class="answer-form"
          aria-label={label}
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <label for={`${id}-field`}>{prompt}</label>
          <div class="answer-row">
            <textarea
              id={`${id}-field`}
              ref={field}
              rows={1}
              value={text}
              maxLength={10_000}
              enterkeyhint="send"
              onInput={(event) => write(event.currentTarget.value)}
              onKeyDown={(event) => {
                // While an input method composes, its keys are its own.
                if (event.isComposing) return;
                if (event.key === "Escape" && !alone) toggle();
                if (event.key !== "Enter" || event.shiftKey) return;
                event.preventDefault();
                send();
              }}
            />
            <button type="submit" class="action primary" aria-label={`Send: ${label}`} aria-disabled={idle}>
              Send
            </button>
          </div>
        </form>
      )}
    </>
  );
}
