import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { WireAction } from "../wire.ts";
import type { ActionProps } from "./actions.tsx";

interface ChoiceProps extends ActionProps {
  readonly action: Extract<WireAction, { kind: "select" }>;
}

export function Choice({ action: { label, data, choices }, disabled, onPress }: ChoiceProps): VNode {
  const [chosen, setChosen] = useState("");
  const idle = disabled || chosen === "";
  return (
    <form
      class="choice"
      onSubmit={(event) => {
        event.preventDefault();
        if (!idle) onPress(data, chosen);
      }}
    >
      <select aria-label={label} value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
        <option value="" disabled>
          {label}
        </option>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
      <button type="submit" class="action primary" aria-label={`Send: ${label}`} aria-disabled={idle}>
        Send
      </button>
    </form>
  );
}
