/** What only one replica at a time may have: see `Store.hold`. */
import type { Context } from "./context.ts";
import { encode } from "./keys.ts";

export async function hold(context: Context, name: string, replica: string): Promise<boolean> {
  const { keys, members, scripts } = context;
  return await context.do(async () => {
    await members.join(replica);
    const [held, live] = [keys.central("held"), keys.central("live")];
    return (await scripts.run("hold", held, live, encode(name), members.self(replica))) === 1;
  });
}

export async function letGo(context: Context, name: string, replica: string): Promise<void> {
  const { keys, members, scripts, hints } = context;
  await context.do(async () => {
    const gone = await scripts.run("let-go", keys.central("held"), encode(name), members.self(replica));
    if (gone === 1) hints.replicas();
  });
}
