/** The words of asks as types: the part of `model.ts` about what agents want from people. */
import type { ChannelId, Json, Message, MessageRef, Sender } from "./model.ts";

/** What an agent wants from people. Durable, decided once. */
export interface Ask {
  /** At most 32 characters. */
  readonly id: string;
  readonly channel: ChannelId;
  readonly session: string;
  /** The turn that waits for it; absent of a plan that no agent waits for. */
  readonly turn?: string;
  readonly request: AskRequest;
  /** Whose message led to it. */
  readonly requester: Sender;
  readonly approvers: Approvers;
  /** Signs its buttons. Never shown. */
  readonly key: string;
  /** The request is too long for one message: it was posted ahead of the card. */
  readonly brief?: true;
  /** Of a plan: all that carrying it out needs. */
  readonly context?: PlanContext;
  readonly openedAt: number;

  // From here on it changes.

  /** Grows with every change that people see. */
  readonly version: number;
  /** The messages that show it, the first one first. */
  readonly shown: readonly ShownCard[];
  readonly reminders: number;
  readonly remindedAt?: number;
  /** When it next wants a look: to remind, or to expire. */
  readonly dueAt?: number;
  /** To its questions, by their ids. */
  readonly answers: Readonly<Record<string, QuestionAnswer>>;
  /** Set once, then final. */
  readonly end?: AskEnd;
}

export type AskRequest = PlanRequest | PermissionRequest | QuestionsRequest;

export interface PlanRequest {
  readonly kind: "plan";
  /** Markdown. */
  readonly text: string;
}

export interface PermissionRequest {
  readonly kind: "permission";
  /** Markdown: what it wants to do. */
  readonly text: string;
  /** The tool's name, for rules. */
  readonly tool: string;
  /** What exactly (a command line, a path), for rules. */
  readonly target?: string;
  /** It only changes files: the mode `accept-edits` allows it. */
  readonly edits?: boolean;
}

export interface QuestionsRequest {
  readonly kind: "questions";
  /** Markdown: what they are about. May be empty. */
  readonly text: string;
  /** At least one. */
  readonly questions: readonly Question[];
}

export interface Question {
  /** Unique within the ask. */
  readonly id: string;
  /** Markdown. */
  readonly prompt: string;
  /** Absent: a text is wanted. */
  readonly choices?: readonly { readonly id: string; readonly label: string }[];
  /** With choices: a text will do too. */
  readonly free?: boolean;
  /** The agent says that it asks on the ground of what it found. */
  readonly grounded?: boolean;
  /** The agent says that the task leaves this open. */
  readonly underspecified?: boolean;
}

/** Who may decide, besides admins, who always may: whose message led to it · all who may speak to the bot · nobody else · these. */
export type Approvers = "requester" | "members" | "admins" | readonly string[];

/** What carrying out a plan needs, hours later and anywhere. */
export interface PlanContext {
  /** What was asked for. */
  readonly messages: readonly Message[];
  readonly systemPrompt?: string;
  /** What the agent that made the plan knew. */
  readonly architect?: Json;
}

export interface ShownCard {
  readonly ref: MessageRef;
  readonly question?: string;
  readonly reminder?: true;
}

export interface QuestionAnswer {
  /** The id of a choice, or a text. */
  readonly value: string;
  readonly by: Sender;
  readonly at: number;
}

export type AskEnd = { readonly at: number } & (
  | { readonly state: "decided"; readonly verdict: Verdict; readonly by: Sender; readonly via: Surface }
  /** Nobody decided in the time that the operator set. */
  | { readonly state: "expired" }
  /** It can't be decided any more: the turn was stopped, another plan took its place. */
  | { readonly state: "withdrawn"; readonly reason: string; readonly by?: Sender }
);

/** `answered`: all questions are, see `Ask.answers`. */
export type Verdict =
  | { readonly kind: "approved"; readonly scope: GrantScope }
  | { readonly kind: "rejected"; readonly reason?: string }
  | { readonly kind: "answered" };

/** For how long a permission is given. */
export type GrantScope = "once" | "session" | "always";

/** Where a person decided. */
export type Surface = "button" | "command" | "message" | "api";

/** How a turn was cut short; people may be asked what now. */
export interface Interruption {
  readonly turn: string;
  /** The attempt that was cut short and not counted: the gateway was stopped, or it waited for people. */
  readonly attempt: number;
  readonly waited?: true;
  /** The ask whose answer was acted on: it holds for one attempt. */
  readonly used?: string;
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly at: number;
  /** `answered`: one question of several. */
  readonly what: "opened" | "answered" | "decided" | "expired" | "withdrawn";
  readonly ask: string;
  readonly channel: ChannelId;
  readonly session: string;
  readonly kind: AskRequest["kind"];
  /** The first 200 characters of what was asked. */
  readonly text: string;
  readonly by?: Sender;
  readonly via?: Surface;
  readonly verdict?: Verdict;
  /** The question's id and the answer to it. */
  readonly question?: string;
  readonly value?: string;
  readonly reason?: string;
}
