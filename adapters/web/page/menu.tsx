import type { VNode } from "preact";
import type { WireAbout } from "../wire.ts";

type Commands = WireAbout["commands"];

export const MENU_ID = "commands";

/** The commands that what is typed so far may become. */
export function matching(commands: Commands, text: string): Commands {
  const [, typed] = /^\/(\w*)$/.exec(text) ?? [];
  return typed === undefined ? [] : commands.filter(({ name }) => name.startsWith(typed.toLowerCase()));
}

export function optionId(name: string | undefined): string {
  return `command-${name}`;
}

interface MenuProps {
  readonly commands: Commands;
  readonly picked: number;
  onPick(name: string): void;
}

/** The field keeps the focus: the menu is worked by its keys, or by a pointer. */
export function Menu({ commands, picked, onPick }: MenuProps): VNode {
  return (
    <div class="commands" id={MENU_ID} role="listbox" aria-label="Commands">
      {commands.map(({ name, summary }, index) => (
        <div
          key={name}
          id={optionId(name)}
          role="option"
          tabIndex={-1}
          aria-selected={index === picked}
          onMouseDown={(event) => {
            event.preventDefault();
            onPick(name);
          }}
        >
          <code>/{name}</code>
          <span>{summary.replaceAll("`", "")}</span>
        </div>
      ))}
    </div>
  );
}
