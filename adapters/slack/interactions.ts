/**
 * What people do with the bot's actions, as Slack tells it (docs.slack.dev/reference/interaction-payloads) → presses, and
 * forms to open. Pure; what does not fit is passed over with a reason, as in parse.ts.
 */
import type { Press } from "../../src/channel.ts";
import { channelId } from "../../src/model.ts";
import { FIELD, FORM, formOf, usedBy } from "./actions.ts";
import { type Fields, fields, json, list, text } from "./fields.ts";
import { type Identity, isTs, threadOf } from "./parse.ts";

/** Where the one person who did it is told what came of it. */
export interface Aside {
  readonly user: string;
  readonly channel: string;
  readonly thread?: string;
  /** An address that takes some words for that person, for half an hour. */
  readonly responseUrl?: string;
}

export type Interaction =
  /** `field`: of a form that was sent off, where an error can stand. */
  | { readonly press: Omit<Press, "sender">; readonly aside: Aside; readonly field?: string }
  /** A form to be shown: `trigger` is good for three seconds. */
  | { readonly form: object; readonly trigger: string; readonly aside: Aside }
  | { readonly ignored: string };

export function parseInteraction(body: unknown, name: string, me: Identity): Interaction {
  const whole = fields(body);
  const user = text(fields(whole?.user)?.id);
  if (whole === undefined || user === undefined) return { ignored: "malformed interaction" };
  if (whole.type === "block_actions") return parseUse(whole, user, name, me);
  if (whole.type === "view_submission") return parseForm(whole, user, name, me);
  return { ignored: `interaction ${(text(whole.type) ?? "nameless").slice(0, 40)}` };
}

function parseUse(whole: Fields, user: string, name: string, me: Identity): Interaction {
  const message = fields(whole.message);
  const container = fields(whole.container);
  const channel = text(fields(whole.channel)?.id) ?? text(container?.channel_id);
  const action = fields(list(whole.actions)[0]);
  if (message === undefined || !isTs(message.ts) || channel === undefined || action === undefined)
    return { ignored: "malformed press" };
  if (message.user !== me.user) return { ignored: "press below a message of others" };
  const used = usedBy(text(action.action_id) ?? "");
  if (used === undefined) return { ignored: "press of an unknown kind" };
  const thread = threadOf({ ts: message.ts, thread_ts: message.thread_ts ?? container?.thread_ts });
  const responseUrl = text(whole.response_url);
  const aside: Aside = {
    user,
    channel,
    ...(thread === undefined ? {} : { thread }),
    ...(responseUrl === undefined ? {} : { responseUrl }),
  };
  if (used.kind === "form") {
    const trigger = text(whole.trigger_id);
    if (trigger === undefined) return { ignored: "malformed press" };
    const label = text(fields(action.text)?.text) ?? "";
    const { user: _, ...place } = aside;
    const memory = JSON.stringify({ team: me.team, data: used.data, ...place });
    return { form: formOf(label, text(action.value) ?? "", memory), trigger, aside };
  }
  const press = { channel: placeOf(aside, name, me), data: used.data };
  if (used.kind === "button") return { press, aside };
  const value = text(fields(action.selected_option)?.value);
  return value === undefined ? { ignored: "press without a choice" } : { press: { ...press, value }, aside };
}

function parseForm(whole: Fields, user: string, name: string, me: Identity): Interaction {
  const view = fields(whole.view);
  if (view?.callback_id !== FORM) return { ignored: "form of an unknown kind" };
  const memory = fields(json(text(view.private_metadata) ?? ""));
  const [channel, data] = [text(memory?.channel), text(memory?.data)];
  const values = fields(fields(view.state)?.values);
  const value = text(fields(fields(values?.[FIELD])?.[FIELD])?.value);
  if (channel === undefined || data === undefined || value === undefined) return { ignored: "malformed form" };
  if (memory?.team !== me.team) return { ignored: "form of another workspace" };
  const [thread, responseUrl] = [memory.thread, text(memory.responseUrl)];
  const aside: Aside = {
    user,
    channel,
    ...(isTs(thread) ? { thread } : {}),
    ...(responseUrl === undefined ? {} : { responseUrl }),
  };
  return { press: { channel: placeOf(aside, name, me), data, value }, aside, field: FIELD };
}

/** Where the message stands is where its session is: the bot posts nowhere else. */
function placeOf({ channel, thread }: Aside, name: string, me: Identity): Press["channel"] {
  return channelId(name, [me.team, channel, ...(thread === undefined ? [] : [thread])].join("/"));
}
