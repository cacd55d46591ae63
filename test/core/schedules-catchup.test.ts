import { expect, test } from "vitest";
import type { History, Intake } from "../../src/channel.ts";
import { type ChannelId, channelId, type InboundEvent } from "../../src/model.ts";
import { eventually } from "../support/eventually.ts";
import { Bench } from "../support/gateway.ts";
import { LocalChannel } from "../support/local-channel.ts";
import { answer, MINUTE, minutely, prompts, scheduling } from "../support/schedules.ts";

/** A platform that keeps what was said while it could not be heard. */
class DeafChannel extends LocalChannel implements History {
  readonly past: InboundEvent[] = [];
  #intake: Intake | undefined;

  override async start(intake: Intake): Promise<void> {
    await super.start(intake);
    this.#intake = intake;
  }

  hearAgain(): void {
    this.#intake?.missed(this.name);
  }

  async history(channel: ChannelId, after: number, limit: number): Promise<InboundEvent[]> {
    return this.past.filter((event) => event.channel === channel && event.sentAt > after).slice(0, limit);
  }
}

test.each([1, 30])(
  "what people said before %i runs of a schedule, while nobody heard them, is not lost",
  async (runs) => {
    const channel = new DeafChannel();
    const bench = await Bench.open({ schedules: scheduling({ tick: minutely() }) }, channel);
    await channel.say("1", "first", "first", { sentAt: bench.clock.now() });
    await answer(bench, "1", "first");
    const sentAt = bench.clock.now() + 1_000;
    const sender = { id: "local:ann", name: "Ann" };
    const missed = { channel: channelId("local", "1"), id: "missed", sender, text: "missed", sentAt };
    channel.past.push({ ...missed, addressed: true, direct: true });
    for (let run = 0; run < runs; run++) {
      await bench.advance(MINUTE);
      await answer(bench, "1", "what is new?");
    }
    await bench.advance(MINUTE);
    const last = await bench.run("1", "what is new?");
    channel.hearAgain();
    await eventually(async () => (await bench.receipt("1", "missed")) !== undefined, "it is caught up");
    last.done();
    await answer(bench, "1", "missed");
    expect(prompts(bench).filter((text) => text === "missed" || text === "first")).toEqual(["first", "missed"]);
  },
);
