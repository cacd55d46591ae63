/** What people do below the bot's messages → presses. Pure. */
import type { Press } from "../../src/channel.ts";
import { componentIn, formOf, type Used, usedOf, writtenIn } from "./components.ts";
import { fields, list } from "./fields.ts";
import { type Identity, type Invocation, invocationOf } from "./parse.ts";
import { isSnowflake } from "./snowflake.ts";

/** Where an interaction is answered. */
export interface Answerable {
  readonly id: string;
  readonly token: string;
  readonly application: string;
}

export type Pressing = ({ readonly at: Answerable } & Meant) | { readonly ignored: string };

/** `press` is for core; `form` is to be opened; with neither it is of something that the bot has not made. */
interface Meant {
  readonly press?: Press;
  /** The press's value was written by hand. */
  readonly written?: true;
  readonly form?: object;
}

const COMPONENT = 3;
const SUBMIT = 5;

/** A component used, or a form sent off. */
export function isPress(raw: unknown): boolean {
  const type = fields(raw)?.type;
  return type === COMPONENT || type === SUBMIT;
}

export function parsePress(raw: unknown, name: string, me: Identity): Pressing {
  const invoked = invocationOf(raw, name);
  const application = fields(raw)?.application_id;
  if (invoked === undefined || !isSnowflake(application)) return { ignored: "malformed interaction" };
  const at = { id: invoked.id, token: invoked.token, application };
  const used = usedOf(invoked.data.custom_id);
  if (used === undefined) return { at };
  if (invoked.type === SUBMIT) return { at, ...submitted(invoked, used) };
  const message = fields(fields(raw)?.message);
  const isOwn = fields(message?.author)?.id === me.id;
  return { at, ...(isOwn ? clicked(invoked, used, message?.components) : {}) };
}

function submitted({ data, channel, sender }: Invocation, used: Used): Meant {
  const value = writtenIn(data.components);
  if (used.kind !== "form" || value === undefined) return {};
  return { press: { channel, sender, data: used.data, value }, written: true };
}

function clicked({ data, channel, sender }: Invocation, used: Used, rows: unknown): Meant {
  const press = { channel, sender, data: used.data };
  switch (used.kind) {
    case "button":
      return { press };
    case "form":
      return { form: formOf(componentIn(rows, data.custom_id) ?? { custom_id: data.custom_id }, used) };
    case "select": {
      const [value] = list(data.values);
      return typeof value === "string" ? { press: { ...press, value } } : {};
    }
  }
}
