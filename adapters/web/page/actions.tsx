import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { WireAction } from "../wire.ts";
import { AnswerForm } from "./answer-form.tsx";
import { Choice } from "./choice.tsx";

export interface ActionProps {
  /** A press of this message is under way. */
  readonly disabled: boolean;
  onPress(data: string, value?: string): void;
}

interface ActionsProps extends ActionProps {
  readonly actions: readonly WireAction[];
}

/** Nothing here gets the attribute `disabled`: a button that is pressed by key would lose the focus. */
export function Actions({ actions, disabled, onPress }: ActionsProps): VNode {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(
    () => () => {
      // Who decided by key goes on from the message, not from the top of the page.
      const element = root.current;
      if (element?.contains(document.activeElement)) element.closest("article")?.focus();
    },
    [],
  );
  return (
    <div class="actions" ref={root}>
      {actions.map((action) => {
        if (action.kind === "button") {
          return (
            <button
              type="button"
              key={action.data}
              class={action.style === undefined ? "action" : `action ${action.style}`}
              aria-disabled={disabled}
              onClick={(event) => {
                // The second click of a double click is none.
                if (!disabled && event.detail < 2) onPress(action.data);
              }}
            >
              {action.label}
            </button>
          );
        }
        const props = { disabled, onPress };
        if (action.kind === "select") return <Choice key={action.data} action={action} {...props} />;
        return <AnswerForm key={action.data} action={action} alone={actions.length === 1} {...props} />;
      })}
    </div>
  );
}
