import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat.ts";
import { Composer, type ComposerHandle } from "./composer.tsx";
import { Help } from "./help.tsx";
import { useChat } from "./hooks.ts";
import { Icon } from "./icon.tsx";
import { Messages } from "./messages.tsx";
import { Sidebar } from "./sidebar.tsx";

/** Where keys are the person's own. */
/** Where keys mean text, or are a dialog's own. One that was just closed may keep the focus for a moment. */
const FIELDS = "textarea, input, select, dialog[open]";

export function App({ chat }: { chat: Chat }): VNode {
  const view = useChat(chat);
  const [drawer, setDrawer] = useState(false);
  const [help, setHelp] = useState(false);
  const composer = useRef<ComposerHandle>(null);
  const { room, channel, connection } = view;
  const title = titleOf(view);
  const asks = room.state?.asks ?? 0;
  const busy = room.state?.running !== undefined || (room.state?.waiting.length ?? 0) > 0;

  useEffect(() => {
    const mark = asks > 0 ? `(${asks}) ` : busy ? "● " : "";
    document.title = `${mark}${title} – Switchboard`;
  }, [title, busy, asks]);

  useEffect(() => {
    setDrawer(false);
    // A touch keyboard that opens by itself would hide half the page.
    if (matchMedia("(hover: hover)").matches) composer.current?.focus();
  }, [channel]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.closest(FIELDS) !== null;
      if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
        event.preventDefault();
        chat.step(event.key === "ArrowUp" ? -1 : 1);
      } else if ((event.ctrlKey || event.metaKey) && event.key === ".") {
        event.preventDefault();
        composer.current?.stop();
      } else if (event.key === "Escape") {
        setDrawer(false);
      } else if (!typing && event.key === "/") {
        // Not left to the browser: whether a key lands in a field that gets the focus meanwhile is a race.
        event.preventDefault();
        composer.current?.begin("/");
      } else if (!typing && event.key === "?") {
        event.preventDefault();
        setHelp(true);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [chat]);

  if (connection === "signed out") return <SignedOut />;
  return (
    <div class={drawer ? "layout drawer-open" : "layout"}>
      <Sidebar view={view} chat={chat} onHelp={() => setHelp(true)} onPick={() => setDrawer(false)} />
      <button type="button" class="backdrop" aria-label="Close the channel list" onClick={() => setDrawer(false)} />
      <main class="main">
        <header class="topbar">
          <button type="button" class="icon-button menu" aria-label="Channels" onClick={() => setDrawer(true)}>
            <Icon name="menu" />
          </button>
          <h1>{title}</h1>
          <Connection state={connection} />
          <button type="button" class="icon-button new-here" aria-label="New chat" onClick={() => chat.startNew()}>
            <Icon name="plus" />
          </button>
        </header>
        <Messages key={channel} view={view} chat={chat} onReply={() => composer.current?.focus()} />
        <Composer
          key={`composer ${channel}`}
          channel={channel}
          commands={view.about.commands}
          busy={busy}
          answering={view.answering}
          onSend={(text) => chat.say(text)}
          onStop={() => chat.send("/stop")}
          onAnswerNone={() => chat.answer()}
          handle={composer}
        />
      </main>
      {help && <Help commands={view.about.commands} onClose={() => setHelp(false)} />}
    </div>
  );
}

function titleOf({ channel, channels, room, unsent }: ReturnType<Chat["view"]>): string {
  const listed = channels.find(({ id }) => id === channel)?.title;
  if (listed) return listed;
  const said = room.messages.find((message) => message.role === "user");
  return (said?.role === "user" ? said.text : unsent[0]?.text)?.slice(0, 60) ?? "New chat";
}

function Connection({ state }: { state: string }): VNode {
  // Only what needs attention is said; the first connection is a matter of milliseconds.
  return (
    <p class="connection" role="status">
      {state === "lost" && (
        <span>
          <i class="dot" />
          Reconnecting…
        </span>
      )}
    </p>
  );
}

function SignedOut(): VNode {
  return (
    <main class="signed-out">
      <h1>You are signed out</h1>
      <p>
        Open the link that <code>switchboard start</code> printed in the terminal, then come back here. Messages that
        were not sent yet are kept in this browser.
      </p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Try again
      </button>
    </main>
  );
}
