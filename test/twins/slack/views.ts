/** Modals: docs.slack.dev/reference/views/modal-views. */
import { checkPlain, checkText } from "./blocks.ts";
import { ApiError } from "./errors.ts";
import { isRecord } from "./params.ts";
import type { TwinUser } from "./workspace.ts";

const MAX_TITLE = 24;
const MAX_METADATA = 3000;
const MAX_CALLBACK = 255;
const MAX_INPUT_LABEL = 2000;
const MAX_PLAIN_SECTION = 3000;

/** What the app asks to show; throws what Slack answers where it can't be shown. */
export function checkView(value: unknown): Record<string, unknown> {
  try {
    return checked(value);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // The same messages as for blocks, under another name.
    throw new ApiError("invalid_arguments", { response_metadata: error.details.response_metadata });
  }
}

function checked(view: unknown): Record<string, unknown> {
  if (!isRecord(view) || view.type !== "modal" || !Array.isArray(view.blocks)) throw new ApiError("invalid_arguments");
  checkPlain(view.title, MAX_TITLE, "/view/title");
  if (view.close !== undefined) checkPlain(view.close, MAX_TITLE, "/view/close");
  if (view.private_metadata !== undefined) checkText(view.private_metadata, MAX_METADATA, "/view/private_metadata");
  if (view.callback_id !== undefined) checkText(view.callback_id, MAX_CALLBACK, "/view/callback_id");
  view.blocks.forEach((block: unknown, index) => {
    const at = `/view/blocks/${index}`;
    if (!isRecord(block)) throw new ApiError("invalid_arguments");
    if (block.type === "section") checkPlain(block.text, MAX_PLAIN_SECTION, `${at}/text`);
    else if (block.type === "input") {
      checkPlain(view.submit, MAX_TITLE, "/view/submit");
      checkPlain(block.label, MAX_INPUT_LABEL, `${at}/label`);
      if (!isRecord(block.element) || block.element.type !== "plain_text_input") {
        throw new ApiError("invalid_arguments");
      }
    } else throw new ApiError("invalid_arguments");
  });
  return view;
}

/** A modal that one person has before them. */
export class TwinModal {
  readonly id: string;
  readonly user: TwinUser;
  /** Of what the person did that made the app open it. */
  readonly trigger: string;
  readonly view: Record<string, unknown>;
  open = true;
  /** What stands under its fields, by their block's id. */
  errors: Readonly<Record<string, string>> = {};
  readonly #submit: (modal: TwinModal, values: readonly string[]) => Promise<void>;

  constructor(
    id: string,
    user: TwinUser,
    trigger: string,
    view: Record<string, unknown>,
    submit: (modal: TwinModal, values: readonly string[]) => Promise<void>,
  ) {
    this.id = id;
    this.user = user;
    this.trigger = trigger;
    this.view = view;
    this.#submit = submit;
  }

  get title(): string {
    return plainOf(this.view.title);
  }

  /** The labels of its fields, in order. */
  get labels(): string[] {
    return this.#inputs().map(({ label }) => plainOf(label));
  }

  /** Writes into its fields, in order, and sends it off. Resolves when it has closed, or shows what is wrong. */
  submit(...values: string[]): Promise<void> {
    return this.#submit(this, values);
  }

  /** As Slack tells of what was written. */
  state(values: readonly string[]): object {
    const entries = this.#inputs().map(({ block_id, element }, index) => {
      const { action_id } = isRecord(element) ? element : {};
      return [String(block_id), { [String(action_id)]: { type: "plain_text_input", value: values[index] ?? null } }];
    });
    return { values: Object.fromEntries(entries) };
  }

  #inputs(): Record<string, unknown>[] {
    const blocks: unknown[] = Array.isArray(this.view.blocks) ? this.view.blocks : [];
    return blocks.filter(isRecord).filter(({ type }) => type === "input");
  }
}

function plainOf(text: unknown): string {
  return isRecord(text) ? String(text.text) : "";
}
