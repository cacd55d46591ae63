/** Buttons, selects and modals: refused as Discord refuses them, and looked at as people see them. */
import { isRecord } from "../telegram/params.ts";
import { type ApiError, invalidForm } from "./errors.ts";

type Fields = Record<string, unknown>;

const Type = { row: 1, button: 2, select: 3, input: 4, label: 18 } as const;

/** What can be used below a message. */
export interface ShownComponent {
  readonly kind: "button" | "select";
  /** Of a select: what stands in it before something is chosen. */
  readonly label: string;
  readonly customId: string;
  readonly style: number | undefined;
  readonly options: readonly { readonly label: string; readonly value: string }[];
  /** From 0. */
  readonly row: number;
}

/** A form that a person has before them. */
export interface ShownModal {
  readonly customId: string;
  readonly title: string;
  readonly label: string;
  readonly paragraph: boolean;
  readonly input: string;
}

export function shownComponents(rows: readonly unknown[]): readonly ShownComponent[] {
  return rows.flatMap((row, index) =>
    entries(row, "components").map((component) => ({
      kind: component.type === Type.select ? "select" : "button",
      label: text(component.label ?? component.placeholder),
      customId: text(component.custom_id),
      style: typeof component.style === "number" ? component.style : undefined,
      options: entries(component, "options").map(({ label, value }) => ({ label: text(label), value: text(value) })),
      row: index,
    })),
  );
}

/** `components` of a message as they are kept; throws what Discord answers to bad ones. */
export function validRows(given: unknown, at: string): readonly unknown[] {
  const rows = given === undefined || given === null ? [] : given;
  if (!Array.isArray(rows)) throw invalidForm(at, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
  if (rows.length > 5) throw tooLong(at, 5);
  const known = new Set<string>();
  for (const [index, row] of rows.entries()) {
    const below = `${at}.${index}`;
    if (!isRecord(row) || row.type !== Type.row) {
      throw invalidForm(`${below}.type`, "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 9, 10).');
    }
    validRow(entries(row, "components"), `${below}.components`, known);
  }
  return rows;
}

export function validModal(given: Fields, at: string): ShownModal {
  const customId = lengthOf(given.custom_id, `${at}.custom_id`, 1, 100);
  const title = lengthOf(given.title, `${at}.title`, 1, 45);
  const [part, ...more] = entries(given, "components");
  const isLabel = part?.type === Type.label;
  const input = isLabel ? part.component : entries(part, "components")[0];
  const where = `${at}.components.0`;
  if (part === undefined || more.length > 4) throw invalidForm(`${at}.components`, ...BAD_LENGTH(1, 5));
  if (!isRecord(input) || input.type !== Type.input) {
    throw invalidForm(`${where}.component`, "BASE_TYPE_REQUIRED", "This field is required");
  }
  const label = lengthOf(isLabel ? part.label : input.label, `${where}.label`, 1, 45);
  const name = lengthOf(input.custom_id, `${where}.component.custom_id`, 1, 100);
  if (input.style !== 1 && input.style !== 2) {
    throw invalidForm(`${where}.component.style`, "BASE_TYPE_CHOICES", "Value must be one of {1, 2}.");
  }
  return { customId, title, label, paragraph: input.style === 2, input: name };
}

/** What was written into a modal, in the form in which it is sent off. */
export function submission({ customId, input }: ShownModal, value: string): object {
  const component = { type: Type.input, id: 2, custom_id: input, value };
  return { custom_id: customId, components: [{ type: Type.label, id: 1, component }] };
}

function validRow(components: readonly Fields[], at: string, known: Set<string>): void {
  if (components.length === 0 || components.length > 5) throw invalidForm(at, ...BAD_LENGTH(1, 5));
  for (const [index, component] of components.entries()) {
    const below = `${at}.${index}`;
    const customId = lengthOf(component.custom_id, `${below}.custom_id`, 1, 100);
    if (known.has(customId)) {
      const message = "Component custom id cannot be duplicated";
      throw invalidForm(`${below}.custom_id`, "COMPONENT_CUSTOM_ID_DUPLICATED", message);
    }
    known.add(customId);
    if (component.type === Type.button) validButton(component, below);
    else if (component.type === Type.select && components.length === 1) validSelect(component, below);
    else if (component.type === Type.select) throw tooWide(below);
    else
      throw invalidForm(
        `${below}.type`,
        "UNION_TYPE_CHOICES",
        'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).',
      );
  }
}

function validButton({ label, style }: Fields, at: string): void {
  if (text(label).trim() === "") {
    throw invalidForm(at, "BUTTON_COMPONENT_MISSING_LABEL_OR_EMOJI", "A button must have a label or an emoji");
  }
  lengthOf(label, `${at}.label`, 0, 80);
  if (![1, 2, 3, 4].includes(Number(style))) {
    throw invalidForm(`${at}.style`, "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.");
  }
}

function validSelect(select: Fields, at: string): void {
  lengthOf(select.placeholder, `${at}.placeholder`, 0, 150);
  const options = entries(select, "options");
  if (options.length === 0 || options.length > 25) throw invalidForm(`${at}.options`, ...BAD_LENGTH(1, 25));
  const known = new Set<string>();
  for (const [index, option] of options.entries()) {
    lengthOf(option.label, `${at}.options.${index}.label`, 1, 100);
    const value = lengthOf(option.value, `${at}.options.${index}.value`, 1, 100);
    if (known.has(value)) {
      const message = "The specified option value is already used";
      throw invalidForm(`${at}.options.${index}.value`, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message);
    }
    known.add(value);
  }
}

const BAD_LENGTH = (min: number, max: number) =>
  ["BASE_TYPE_BAD_LENGTH", `Must be between ${min} and ${max} in length.`] as const;

function tooLong(at: string, max: number): ApiError {
  return invalidForm(at, "BASE_TYPE_MAX_LENGTH", `Must be ${max} or fewer in length.`);
}

function tooWide(at: string): ApiError {
  return invalidForm(at, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width");
}

/** Blanks at its ends don't count. */
function lengthOf(value: unknown, at: string, min: number, max: number): string {
  const said = text(value);
  const length = said.trim().length;
  if (length < min && value === undefined) throw invalidForm(at, "BASE_TYPE_REQUIRED", "This field is required");
  if (length < min) throw invalidForm(at, ...BAD_LENGTH(min, max));
  if (length > max) throw min === 0 ? tooLong(at, max) : invalidForm(at, ...BAD_LENGTH(min, max));
  return said;
}

function entries(value: unknown, field: string): readonly Fields[] {
  const found = isRecord(value) ? value[field] : undefined;
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
