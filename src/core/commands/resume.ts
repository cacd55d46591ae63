import type { Session } from "../../model.ts";
import type { Command, CommandContext } from "./registry.ts";
import { stopped } from "./stop.ts";

export const resume: Command = {
  name: "resume",
  summary: "Go on with an earlier session of this chat: `/resume id`, as `/sessions` lists them",
  stops: async (context) => (await wanted(context)) !== undefined,
  async run(context) {
    const { control, session } = context;
    if (control.args === "") return { reply: "Which one? `/sessions` lists the sessions of this chat." };
    if (control.args === session.id) return { reply: "That is the session which goes on here already." };
    const found = await wanted(context);
    if (!found) return { reply: `This chat has no archived session \`${control.args}\`. \`/sessions\` lists them.` };
    const name = found.title || "Untitled session";
    const done = stopped(control.effect);
    const reply = `**${name}** goes on, with \`${found.agent}\`. The session before is archived as \`${session.id}\`.`;
    return { reply: done ? `${reply} ${done}` : reply, restore: found.id };
  },
};

async function wanted({ control, session, store }: CommandContext): Promise<Session | undefined> {
  if (control.args === "") return undefined;
  const found = await store.get(control.args);
  return found?.channel === session.channel && found.archivedAt !== undefined ? found : undefined;
}
