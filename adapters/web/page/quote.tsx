import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { WireMessage } from "../wire.ts";
import type { Chat } from "./chat.ts";

const MAX_EXCERPT = 140;

/** The first words of a message. */
export function excerpt(message: WireMessage): string {
  const text = message.role === "user" ? message.text : textOf(message.html);
  const words = text.replace(/\s+/g, " ").trim();
  return words.length > MAX_EXCERPT ? `${words.slice(0, MAX_EXCERPT - 1)}…` : words;
}

/** A template's content is inert: nothing in it is loaded or run. */
function textOf(html: string): string {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const head of template.content.querySelectorAll(".code-head")) head.remove();
  return template.content.textContent ?? "";
}

/** What a message replies to; leads there. */
export function Quote({ replyTo, chat }: { replyTo: string; chat: Chat }): VNode {
  const message = chat.find(replyTo);
  const [missing, setMissing] = useState(false);
  const text = useMemo(() => (message === undefined ? "An earlier message" : excerpt(message)), [message]);
  const lead = async (): Promise<void> => {
    try {
      await chat.loadUntil(replyTo);
    } catch {
      // Whatever it was, the person can ask once more.
    }
    // What was loaded is drawn first, and moves what stands below it.
    requestAnimationFrame(() => requestAnimationFrame(() => setMissing(!show(replyTo))));
  };
  return (
    <button type="button" class="quote" title="Show the message that this replies to" onClick={() => void lead()}>
      <span class="visually-hidden">In reply to: </span>
      {missing ? "That message can't be found any more" : text}
    </button>
  );
}

export function articleId(key: string): string {
  return `message-${key}`;
}

/** Scrolls there, and lets it stand out for a moment. */
export function show(key: string): boolean {
  const element = document.getElementById(articleId(key));
  if (element === null) return false;
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
  element.animate([{ boxShadow: "0 0 0 8px var(--picked)", background: "var(--picked)" }, {}], 1_500);
  return true;
}
