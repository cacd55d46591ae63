import type { Command } from "./registry.ts";
import { stopped } from "./stop.ts";
import { listed, unlisted } from "./words.ts";

/** `names`: of the projects that are configured. A name that is none of them must not stop anything. */
export function projectCommand(names: readonly string[]): Command {
  const find = (text: string) => names.find((name) => name.toLowerCase() === text.toLowerCase());
  return {
    name: "project",
    summary: "Which project the agent works on; `/project name` begins a new session there",
    aliases: ["projects"],
    cancels: (args) => (find(args) === undefined ? undefined : "all"),
    async run({ control, session, fresh }) {
      const { args } = control;
      if (names.length === 0) return { reply: "No projects are configured (`projects`)." };
      if (args === "") return { reply: listed(names, session.project) };
      const found = find(args);
      if (found === undefined) {
        return {
          reply: `${unlisted("project", args, names)}${listed(names, session.project)}`,
        };
      }
      const done = stopped(control.effect);
      const reply = `A new session begins in the project \`${found}\`. The one before is archived as \`${session.id}\`.`;
      return { reply: done ? `${reply} ${done}` : reply, renew: fresh(found) };
    },
  };
}
