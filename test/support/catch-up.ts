/**
 * What core does about gaps, for tests of an adapter alone: where events may have been missed, it reads the history of
 * every channel that it knows, passes over what it has taken before, and has the events of a channel wait for that.
 */
import type { ChannelAdapter, History } from "../../src/channel.ts";
import type { ChannelId } from "../../src/model.ts";

export class CatchUp {
  readonly #channels = new Set<ChannelId>();
  readonly #taken = new Set<string>();

  /** The gateway has a session there. */
  know(channel: ChannelId): void {
    this.#channels.add(channel);
  }

  attach<Adapter extends ChannelAdapter & History>(adapter: Adapter): Adapter {
    const start = adapter.start.bind(adapter);
    adapter.start = (intake) => {
      const reading = new Map<ChannelId, Promise<void>>();
      const take: typeof intake.take = async (event) => {
        const key = `${event.channel} ${event.id}`;
        if (this.#taken.has(key)) return { status: "duplicate" };
        const taken = await intake.take(event);
        this.#taken.add(key);
        return taken;
      };
      const read = async (channel: ChannelId): Promise<void> => {
        for (const event of await adapter.history(channel, 0, 500, AbortSignal.timeout(30_000))) {
          await take({ ...event, caughtUp: true });
        }
      };
      return start({
        amend: (change) => intake.amend(change),
        press: (press) => intake.press(press),
        missed: (name) => {
          intake.missed(name);
          for (const channel of this.#channels) {
            // Where it fails, the next gap leads to another look.
            reading.set(
              channel,
              read(channel).catch(() => {}),
            );
          }
        },
        take: async (event) => {
          await reading.get(event.channel);
          return await take(event);
        },
      });
    };
    return adapter;
  }
}
