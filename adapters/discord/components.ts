/**
 * Actions → components below a message, and back: discord.com/developers/docs/components/reference.
 *
 * Of what a person used Discord gives back the `custom_id`. It carries the action's data behind a letter for its kind, and
 * of a form what it asks, as far as there is room: any replica may have to open it, at any time later.
 */
import type { Action, ChannelLimits } from "../../src/channel.ts";
import { type Fields, fields, list, text } from "./fields.ts";

/**
 * Five rows, each of five buttons or one select: so many buttons, or one select among them, always fit. A further select
 * takes the room of five buttons.
 */
export const ACTIONS: NonNullable<ChannelLimits["actions"]> = { most: 20, select: 25, form: true };

const ROWS = 5;
const IN_ROW = 5;

/** Characters. */
const BUTTON_LABEL = 80;
const CHOICE_LABEL = 100;
const PLACEHOLDER = 150;
const CUSTOM_ID = 100;
const FORM_LABEL = 45;

const ROW = 1;
const BUTTON = 2;
const SELECT = 3;
const INPUT = 4;
const LABEL = 18;
const PARAGRAPH = 2;
const STYLES = { primary: 1, secondary: 2, danger: 4 } as const;

const KINDS = { b: "button", s: "select", f: "form" } as const;
/** Between a form's data, which is ASCII, and its prompt. */
const SEAM = "¦";

/** What a `custom_id` of this adapter stands for. */
export interface Used {
  readonly kind: Action["kind"];
  readonly data: string;
  /** Of a form. */
  readonly prompt: string;
}

export function rowsOf(actions: readonly Action[]): object[] {
  const rows = pack(actions);
  if (rows.length <= ROWS) return rows;
  // A select between buttons leaves rows half full.
  const isSelect = ({ kind }: Action) => kind === "select";
  return pack([...actions.filter(isSelect), ...actions.filter((action) => !isSelect(action))]);
}

export function usedOf(customId: unknown): Used | undefined {
  const [, letter, rest = ""] = /^([bsf]):(.+)$/s.exec(text(customId)) ?? [];
  if (letter !== "b" && letter !== "s" && letter !== "f") return undefined;
  const kind = KINDS[letter];
  const seam = kind === "form" ? rest.indexOf(SEAM) : -1;
  return seam < 0
    ? { kind, data: rest, prompt: "" }
    : { kind, data: rest.slice(0, seam), prompt: rest.slice(seam + 1) };
}

/** The form that a button opens. It is sent off under the name of its button. */
export function formOf(button: Fields, { prompt }: Used): object {
  const title = brief(text(button.label), FORM_LABEL);
  const input = { type: INPUT, custom_id: "text", style: PARAGRAPH, required: true };
  const label = prompt === "" ? title : brief(prompt, FORM_LABEL);
  return { custom_id: text(button.custom_id), title, components: [{ type: LABEL, label, component: input }] };
}

/** What was written into a form; undefined where it holds no text. */
export function writtenIn(components: unknown): string | undefined {
  const inputs = list(components).flatMap((entry) => {
    const part = fields(entry);
    return [part?.component, ...list(part?.components)].map(fields);
  });
  const value = inputs.find((input) => input?.type === INPUT)?.value;
  return typeof value === "string" ? value : undefined;
}

/** The component with this `custom_id`, among the rows of a message. */
export function componentIn(rows: unknown, customId: unknown): Fields | undefined {
  const components = list(rows).flatMap((row) => list(fields(row)?.components));
  return components.map(fields).find((component) => component?.custom_id === customId);
}

function pack(actions: readonly Action[]): object[] {
  const rows: { readonly type: number; readonly components: object[] }[] = [];
  let room = 0;
  for (const action of actions) {
    if (room === 0 || action.kind === "select") {
      rows.push({ type: ROW, components: [] });
      room = IN_ROW;
    }
    rows.at(-1)?.components.push(componentOf(action));
    room = action.kind === "select" ? 0 : room - 1;
  }
  return rows;
}

function componentOf(action: Action): object {
  const { kind, label, data } = action;
  switch (kind) {
    case "button": {
      const style = STYLES[action.style ?? "secondary"];
      return { type: BUTTON, style, label: brief(label, BUTTON_LABEL), custom_id: `b:${data}` };
    }
    case "form": {
      const name = `f:${data}${SEAM}`;
      const custom_id = name + brief(action.prompt, Math.min(FORM_LABEL, CUSTOM_ID - name.length));
      return { type: BUTTON, style: STYLES.secondary, label: brief(label, BUTTON_LABEL), custom_id };
    }
    case "select": {
      const options = action.choices.map((choice) => ({
        label: brief(choice.label, CHOICE_LABEL),
        value: choice.value,
      }));
      return { type: SELECT, custom_id: `s:${data}`, placeholder: brief(label, PLACEHOLDER), options };
    }
  }
}

/** On one line, and never blank, which Discord refuses. */
function brief(label: string, max: number): string {
  const line = label.toWellFormed().replace(/\s+/g, " ").trim() || "…";
  return line.length <= max ? line : `${line.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
