/** Actions → the block of buttons and selects below a message, and the form that a button opens. Pure. */
import type { Action } from "../../src/channel.ts";

/** An `actions` block has room for 25 elements, a select for 100 options. */
export const SLACK_ACTIONS = { most: 25, select: 100, form: true } as const;

/** Slack's limits: docs.slack.dev/reference/block-kit/block-elements, docs.slack.dev/reference/views/modal-views. */
const MAX_LABEL = 75;
const MAX_PLACEHOLDER = 150;
const MAX_PROMPT = 2000;
const MAX_TITLE = 24;

interface PlainText {
  readonly type: "plain_text";
  readonly text: string;
  readonly emoji: false;
}

interface Option {
  readonly text: PlainText;
  readonly value: string;
}

type Element =
  | {
      readonly type: "button";
      readonly action_id: string;
      readonly text: PlainText;
      readonly value: string;
      readonly style?: "primary" | "danger";
    }
  | {
      readonly type: "static_select";
      readonly action_id: string;
      readonly placeholder: PlainText;
      readonly options: readonly Option[];
    };

/**
 * It has no `block_id`: Slack makes a new one for each version of a message then, as it asks for. A select below a known
 * one goes on showing what was chosen before.
 */
export interface ActionsBlock {
  readonly type: "actions";
  readonly elements: readonly Element[];
}

export function actionBlocks(actions: readonly Action[] = []): ActionsBlock[] {
  return actions.length === 0 ? [] : [{ type: "actions", elements: actions.map(elementOf) }];
}

/** What is left of an action in what Slack tells of its use. */
interface Used {
  readonly kind: Action["kind"];
  readonly data: string;
}

/** Undefined for what this adapter did not make. */
export function usedBy(actionId: string): Used | undefined {
  const [, kind, data] = /^(button|select|form):(.+)$/s.exec(actionId) ?? [];
  if (data === undefined || (kind !== "button" && kind !== "select" && kind !== "form")) return undefined;
  return { kind, data };
}

/** Data differs within a message, and so does this, as Slack demands. A select has no other place for it. */
function actionId({ kind, data }: Used): string {
  return `${kind}:${data}`;
}

function elementOf(action: Action): Element {
  const action_id = actionId(action);
  switch (action.kind) {
    case "button": {
      const style = action.style === undefined ? {} : { style: action.style };
      return { type: "button", action_id, text: plain(action.label, MAX_LABEL), value: action.data, ...style };
    }
    case "select": {
      const options = action.choices.map(({ label, value }) => ({ text: plain(label, MAX_LABEL), value }));
      return { type: "static_select", action_id, placeholder: plain(action.label, MAX_PLACEHOLDER), options };
    }
    case "form":
      // The form is made when the button is used, of what comes back with it.
      return {
        type: "button",
        action_id,
        text: plain(action.label, MAX_LABEL),
        value: plain(action.prompt, MAX_PROMPT).text,
      };
  }
}

/** The name by which a form that was sent off is known. */
export const FORM = "switchboard_form";
/** Its only field, and the block of that. */
export const FIELD = "text";

/** `memory` comes back with what was written. */
export function formOf(label: string, prompt: string, memory: string): object {
  return {
    type: "modal",
    callback_id: FORM,
    private_metadata: memory,
    title: plain(label, MAX_TITLE),
    submit: plain("Send", MAX_TITLE),
    close: plain("Cancel", MAX_TITLE),
    blocks: [
      {
        type: "input",
        block_id: FIELD,
        label: plain(prompt, MAX_PROMPT),
        element: { type: "plain_text_input", action_id: FIELD, multiline: true },
      },
    ],
  };
}

/** Slack refuses one that is empty. Without `emoji`, ":no:" stays as it was written. */
function plain(text: string, max: number): PlainText {
  const line = text.toWellFormed().replace(/\s+/g, " ").trim();
  const cut = line.length <= max ? line : `${line.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "")}…`;
  return { type: "plain_text", text: cut || "…", emoji: false };
}
