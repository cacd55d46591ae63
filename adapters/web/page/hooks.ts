import { useEffect, useReducer, useState } from "preact/hooks";
import type { Chat, ChatView } from "./chat.ts";

/** The page's knowledge as it is now; the component is drawn again when it changes. */
export function useChat(chat: Chat): ChatView {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => chat.subscribe(() => redraw(undefined)), [chat]);
  return chat.view();
}

/** The time, anew every `every` ms while `active`. */
export function useNow(every: number, active: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!active) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every, active]);
  return now;
}
