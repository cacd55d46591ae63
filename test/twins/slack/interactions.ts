/**
 * What people do with the app's buttons, selects and modals: docs.slack.dev/interactivity. The app is told once, and has
 * three seconds to acknowledge it. What is done while the app has no connection waits for one here; at Slack it is lost.
 */
import type { Conversation, Message } from "./conversation.ts";
import { ApiError } from "./errors.ts";
import { isRecord, nested, type Params, required } from "./params.ts";
import { checkView, TwinModal } from "./views.ts";
import type { TwinUser, Workspace } from "./workspace.ts";

/** Something that a person did. */
export interface Interaction {
  readonly trigger: string;
  /** Whether the app has acknowledged it in time. */
  readonly acknowledged: Promise<boolean>;
  /** What the app said to this person alone at its `response_url`, as it is shown. */
  readonly told: readonly string[];
}

/** What can be done below a message, as it is shown. */
export interface ShownElement {
  readonly type: "button" | "static_select";
  readonly label: string;
  readonly style?: string;
  readonly options?: readonly { readonly label: string; readonly value: string }[];
}

interface ResponseUrl {
  readonly user: TwinUser;
  readonly conversation: Conversation;
  readonly about: string;
  readonly at: number;
  readonly told: string[];
  uses: number;
}

const TRIGGER_LASTS = 3000;
const RESPONSES_WITHIN = 30 * 60_000;
const MOST_RESPONSES = 5;

export class Interactions {
  readonly #workspace: Workspace;
  readonly #root: () => string;
  readonly #triggers = new Map<string, { readonly user: TwinUser; readonly at: number; used: boolean }>();
  readonly #urls = new Map<string, ResponseUrl>();
  readonly #modals: TwinModal[] = [];

  constructor(workspace: Workspace, root: () => string) {
    this.#workspace = workspace;
    this.#root = root;
  }

  /** With it the app may open a modal for this person, once, for three seconds. */
  trigger(user: TwinUser): string {
    const id = `${this.#workspace.ts()}.${this.#workspace.id("T")}`;
    this.#triggers.set(id, { user, at: this.#now(), used: false });
    return id;
  }

  modals(user: TwinUser): readonly TwinModal[] {
    return this.#modals.filter((modal) => modal.open && modal.user.id === user.id);
  }

  /** `value`: of the option that is chosen. Throws where nothing of that name is shown there. */
  use(user: TwinUser, conversation: Conversation, ts: string, label: string, value?: string): Interaction {
    const message = conversation.messages.get(ts);
    const found = elementsOf(message).find(({ element }) => labelOf(element) === label);
    if (message === undefined || found === undefined) throw new Error(`nothing called ${label} is shown`);
    const { blockId, element } = found;
    return this.act(user, conversation, message, {
      ...element,
      block_id: blockId,
      action_ts: this.#workspace.ts(),
      ...(element.type === "static_select" ? { selected_option: optionOf(element, value) } : {}),
    });
  }

  /** Tells the app of any action, with whatever else stands in its place in the payload. */
  act(
    user: TwinUser,
    conversation: Conversation,
    message: Message,
    action: unknown,
    instead: Record<string, unknown> = {},
  ): Interaction {
    const { bot, teamId } = this.#workspace.parts;
    const trigger = this.trigger(user);
    const told: string[] = [];
    const { metadata: _, ...visible } = message;
    const thread = message.thread_ts === undefined ? {} : { thread_ts: message.thread_ts };
    const payload = {
      type: "block_actions",
      user: this.#person(user),
      api_app_id: bot.appId,
      token: "verification-token",
      container: {
        type: "message",
        message_ts: message.ts,
        channel_id: conversation.id,
        is_ephemeral: false,
        ...thread,
      },
      trigger_id: trigger,
      team: { id: teamId, domain: "twin" },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: conversation.id, name: conversation.kind === "im" ? "directmessage" : conversation.name },
      message: visible,
      state: { values: {} },
      response_url: this.#responseUrl({ user, conversation, about: message.ts, at: this.#now(), told, uses: 0 }),
      actions: [action],
      ...instead,
    };
    const acknowledged = this.#deliver(payload, trigger).then(({ ok }) => ok);
    return { trigger, acknowledged, told };
  }

  /** `views.open`. */
  open(params: Params): object {
    const trigger = required(params, "trigger_id", "invalid_trigger_id");
    const known = this.#triggers.get(trigger);
    if (known === undefined) throw new ApiError("invalid_trigger_id");
    if (this.#now() - known.at > TRIGGER_LASTS) throw new ApiError("expired_trigger_id");
    if (known.used) throw new ApiError("exchanged_trigger_id");
    const view = checkView(nested(params, "view", "invalid_arguments"));
    known.used = true;
    const submit = (modal: TwinModal, values: readonly string[]) => this.#submit(modal, values);
    const modal = new TwinModal(this.#workspace.id("V"), known.user, trigger, view, submit);
    this.#modals.push(modal);
    this.#workspace.parts.changed();
    return { view: this.#viewOf(modal) };
  }

  /** What is posted to a `response_url`: Slack's status and answer. */
  respond(token: string, body: unknown): { status: number; answer: string } {
    const known = this.#urls.get(token);
    if (known === undefined || !isRecord(body)) return refused("invalid_payload");
    if (this.#now() - known.at > RESPONSES_WITHIN) return refused("expired_url");
    if (known.uses >= MOST_RESPONSES) return refused("used_url");
    known.uses++;
    const { user, conversation, about } = known;
    const text = String(body.text ?? "");
    const { bot } = this.#workspace.parts;
    const thread = typeof body.thread_ts === "string" ? { thread: body.thread_ts } : {};
    if (body.delete_original === true) conversation.remove(about);
    else if (body.replace_original === true) conversation.update(about, bot.userId, { text, blocks: [] });
    else if (body.response_type === "in_channel") conversation.post(bot.userId, { text, ...thread });
    else known.told.push(conversation.whisper(user.id, { text, ...thread }).text);
    this.#workspace.parts.changed();
    return { status: 200, answer: "ok" };
  }

  async #submit(modal: TwinModal, values: readonly string[]): Promise<void> {
    if (!modal.open) throw new Error("the modal has closed");
    const { bot, teamId } = this.#workspace.parts;
    const { ok, answer } = await this.#deliver(
      {
        type: "view_submission",
        team: { id: teamId, domain: "twin" },
        user: this.#person(modal.user),
        api_app_id: bot.appId,
        token: "verification-token",
        trigger_id: this.trigger(modal.user),
        view: { ...this.#viewOf(modal), state: modal.state(values) },
        response_urls: [],
        is_enterprise_install: false,
        enterprise: null,
      },
      modal.id,
    );
    const said = isRecord(answer) ? answer : {};
    const errors = said.response_action === "errors" && isRecord(said.errors) ? said.errors : {};
    modal.errors = Object.fromEntries(Object.entries(errors).map(([block, error]) => [block, String(error)]));
    if (!ok) modal.errors = { "": "We had some trouble connecting. Try again?" };
    modal.open = Object.keys(modal.errors).length > 0;
    this.#workspace.parts.changed();
  }

  #deliver(payload: unknown, about: string): Promise<{ ok: boolean; answer: unknown }> {
    return new Promise((resolve) => {
      const settled = (ok: boolean, answer: unknown) => resolve({ ok, answer });
      this.#workspace.parts.tell({ type: "interactive", payload, about, settled });
    });
  }

  #viewOf({ id, view }: TwinModal): object {
    const { bot, teamId } = this.#workspace.parts;
    return { ...view, id, team_id: teamId, app_id: bot.appId, app_installed_team_id: teamId, bot_id: bot.botId };
  }

  #person({ id, name }: TwinUser): object {
    const username = name.toLowerCase().replace(/\W+/g, ".");
    return { id, username, name: username, team_id: this.#workspace.parts.teamId };
  }

  #responseUrl(url: ResponseUrl): string {
    const token = this.#workspace.id("R");
    this.#urls.set(token, url);
    return `${this.#root()}/actions/${token}`;
  }

  #now(): number {
    return this.#workspace.parts.clock.now();
  }
}

export function shownElements(message: Message | undefined): ShownElement[] {
  return elementsOf(message).map(({ element }) => ({
    type: element.type === "static_select" ? "static_select" : "button",
    label: labelOf(element),
    ...(typeof element.style === "string" ? { style: element.style } : {}),
    ...(Array.isArray(element.options) ? { options: element.options.map(shownOption) } : {}),
  }));
}

function elementsOf(message: Message | undefined): { blockId: string; element: Record<string, unknown> }[] {
  return (message?.blocks ?? [])
    .filter(isRecord)
    .filter(({ type }) => type === "actions")
    .flatMap(({ elements, block_id }) => {
      const all: unknown[] = Array.isArray(elements) ? elements : [];
      return all.filter(isRecord).map((element) => ({ blockId: String(block_id), element }));
    });
}

function labelOf({ text, placeholder }: Record<string, unknown>): string {
  const shown = text ?? placeholder;
  return isRecord(shown) ? String(shown.text) : "";
}

function shownOption(option: unknown): { label: string; value: string } {
  const { text, value } = isRecord(option) ? option : {};
  return { label: labelOf({ text }), value: String(value) };
}

function optionOf({ options }: Record<string, unknown>, value: string | undefined): unknown {
  const all: unknown[] = Array.isArray(options) ? options : [];
  const chosen = all.find((option) => isRecord(option) && option.value === value);
  if (chosen === undefined) throw new Error(`there is no choice ${value}`);
  return chosen;
}

function refused(error: string): { status: number; answer: string } {
  return { status: 404, answer: JSON.stringify({ ok: false, error }) };
}
