import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { WireAbout } from "../wire.ts";

const KEYS = [
  ["Enter", "send"],
  ["Shift + Enter", "new line"],
  ["Ctrl + .", "stop the answer"],
  ["/", "write a command"],
  ["Alt + ↑ ↓", "other channel"],
  ["?", "this help"],
] as const;

export function Help({ commands, onClose }: { commands: WireAbout["commands"]; onClose(): void }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the dialog closes with Escape by itself
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <form method="dialog">
        <h2 id="help-title">Keys and commands</h2>
        <dl>
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
          {commands.map(({ name, summary }) => (
            <div key={name}>
              <dt>
                <code>/{name}</code>
              </dt>
              <dd>{summary.replaceAll("`", "")}</dd>
            </div>
          ))}
        </dl>
        <button type="submit" class="button">
          Close
        </button>
      </form>
    </dialog>
  );
}
