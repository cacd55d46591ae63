/** What people can do about a message, as it stands in the journal. */
import type { Json } from "../../src/model.ts";
import { stringAt, valueAt } from "./json.ts";
import type { WireAction, WireChoice } from "./wire.ts";

/** What can't be read is left out: the message shows all the same. */
export function actionsAt(body: Json): WireAction[] {
  const actions = valueAt(body, "actions");
  return Array.isArray(actions) ? actions.flatMap(actionOf) : [];
}

function actionOf(json: Json): WireAction[] {
  const [label, data] = [labelOf(json), stringAt(json, "data")];
  switch (valueAt(json, "kind")) {
    case "button": {
      const style = valueAt(json, "style");
      return [{ kind: "button", label, data, ...(style === "primary" || style === "danger" ? { style } : {}) }];
    }
    case "select":
      return [{ kind: "select", label, data, choices: choicesOf(valueAt(json, "choices")) }];
    case "form":
      return [{ kind: "form", label, data, prompt: stringAt(json, "prompt") }];
    default:
      return [];
  }
}

function choicesOf(json: Json | undefined): WireChoice[] {
  if (!Array.isArray(json)) return [];
  return json.map((choice: Json) => ({ label: labelOf(choice), value: stringAt(choice, "value") }));
}

/** A button without a word could not be seen. */
function labelOf(json: Json): string {
  return stringAt(json, "label").trim() || "…";
}
