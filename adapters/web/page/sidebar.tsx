import type { VNode } from "preact";
import type { WireChannel } from "../wire.ts";
import type { Chat, ChatView } from "./chat.ts";
import { useNow } from "./hooks.ts";
import { Icon } from "./icon.tsx";
import { fullTime, shortTime } from "./times.ts";

interface SidebarProps {
  readonly view: ChatView;
  readonly chat: Chat;
  onHelp(): void;
  onPick(): void;
}

export function Sidebar({ view, chat, onHelp, onPick }: SidebarProps): VNode {
  const now = useNow(60_000, true);
  const pick = (id: string) => (): void => {
    chat.open(id);
    onPick();
  };
  return (
    <nav class="sidebar" aria-label="Channels">
      <div class="brand">
        <img src="./icon.svg" alt="" width="26" height="26" />
        <span>Switchboard</span>
      </div>
      <button
        type="button"
        class="new-chat"
        onClick={() => {
          chat.startNew();
          onPick();
        }}
      >
        <Icon name="plus" />
        New chat
      </button>
      <ul class="channels">
        {view.channels.map((channel) => (
          <li key={channel.id}>
            <button
              type="button"
              class="channel"
              aria-current={channel.id === view.channel ? "page" : undefined}
              onClick={pick(channel.id)}
            >
              <span class="channel-title">{channel.title || "New session"}</span>
              <ChannelMark channel={channel} now={now} />
            </button>
          </li>
        ))}
        {view.moreChannels && (
          <li>
            <button type="button" class="older" onClick={() => void chat.loadOlderChannels()}>
              Show older
            </button>
          </li>
        )}
      </ul>
      <button type="button" class="help-link" onClick={onHelp}>
        Keys and commands <kbd>?</kbd>
      </button>
    </nav>
  );
}

function ChannelMark({ channel, now }: { channel: WireChannel; now: number }): VNode {
  if (channel.asks > 0) {
    return (
      <span class="badge" role="img" aria-label="waiting for you" title="Waiting for you">
        ?
      </span>
    );
  }
  if (channel.busy) return <i class="dot busy" role="img" aria-label="at work" />;
  return (
    <time class="channel-time" dateTime={new Date(channel.at).toISOString()} title={fullTime(channel.at)}>
      {channel.failed && <i class="dot failed" role="img" aria-label="the last answer failed" />}
      {shortTime(channel.at, now)}
    </time>
  );
}
