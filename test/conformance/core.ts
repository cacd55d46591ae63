/** Core, for the suites of channel adapters. */
import type { Intake, Press, Pressed, Taken } from "../../src/channel.ts";
import type { Amendment, ChannelId, InboundEvent } from "../../src/model.ts";

/** Takes, holds back or refuses what it is given, and remembers. */
export class Core implements Intake {
  /** Every event, as often as it was handed over. */
  readonly offered: InboundEvent[] = [];
  readonly taken: InboundEvent[] = [];
  decide: (event: InboundEvent) => Promise<void> = async () => {};

  readonly take = async (event: InboundEvent): Promise<Taken> => {
    this.offered.push(event);
    await this.decide(event);
    if (this.taken.some(({ channel, id }) => channel === event.channel && id === event.id)) {
      return { status: "duplicate" };
    }
    this.taken.push(event);
    return { status: "queued", position: 1 };
  };

  readonly amended: Amendment[] = [];
  /** How often the adapter said that it may have missed something. */
  gaps = 0;

  readonly amend = async (change: Amendment): Promise<void> => {
    this.amended.push(change);
  };

  readonly missed = (): void => {
    this.gaps += 1;
  };

  /** Every press, as often as it was handed over. */
  readonly offeredPresses: Press[] = [];
  readonly pressed: Press[] = [];
  /** What the person is told; what it throws is a store that is away. */
  decidePress: (press: Press) => Promise<Pressed> = async ({ data }) => ({ ok: true, text: `done: ${data}` });

  readonly press = async (press: Press): Promise<Pressed> => {
    this.offeredPresses.push(press);
    const answer = await this.decidePress(press);
    this.pressed.push(press);
    return answer;
  };

  texts(channel?: ChannelId): string[] {
    return this.taken.filter((event) => channel === undefined || event.channel === channel).map(({ text }) => text);
  }
}
