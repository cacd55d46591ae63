import { pickAsk } from "./pick.ts";
import type { Command } from "./registry.ts";

export const plan: Command = {
  name: "plan",
  summary: "Show the plan that waits; `/plan tidy up` asks for a plan before anything is done",
  enqueues: isTask,
  async run(context) {
    const { control, now } = context;
    if (isTask(control.args)) {
      const { id, sender, args } = control;
      const message = { id, sender, text: args, sentAt: control.at, acceptedAt: now };
      return { enqueue: { ...message, plan: { step: "make" } } };
    }
    const picked = await pickAsk(context, control.args, ({ request }) => request.kind === "plan");
    if ("reply" in picked) return picked;
    const { ask } = picked;
    return { reply: ask.request.text, card: { ask: ask.id } };
  },
};

/** Not the number of a plan. */
function isTask(args: string): boolean {
  return args !== "" && !/^\d+$/.test(args);
}
