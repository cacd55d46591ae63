/**
 * Takes presses to core, and what comes of them back to the person. Slack waits three seconds for the acknowledgement,
 * and never tells of a press again: what core can't take in time is acknowledged all the same, and the person is told how
 * it ended as soon as that is known.
 */
import type { Intake, Press, Pressed } from "../../src/channel.ts";
import { describe } from "../../src/errors.ts";
import type { Clock } from "../../src/model.ts";
import type { SlackClient } from "./client.ts";
import type { Log } from "./delivery.ts";
import type { Aside, Interaction } from "./interactions.ts";
import type { People } from "./people.ts";
import { marked, unmarked } from "./render.ts";

export interface PressOptions {
  readonly name: string;
  readonly client: SlackClient;
  readonly people: People;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds until a press is acknowledged, whatever core does. */
  readonly answerWithin: number;
}

/** What the acknowledgement says; empty where it is nothing but that. */
export type Reply = Readonly<Record<string, unknown>>;

const UNSTORED: Pressed = { ok: false, text: "This could not be stored just now. Please try again." };
const NOT_OPENED = "The form could not be opened. Please try again.";

/** Milliseconds after which Slack opens nothing any more. */
const TRIGGER_LASTS = 3000;

export class Presses {
  readonly #options: PressOptions;
  readonly #working = new Set<Promise<void>>();

  constructor(options: PressOptions) {
    this.#options = options;
  }

  /** Resolves in time with what to acknowledge it with. Never rejects. */
  handle(interaction: Exclude<Interaction, { ignored: string }>, intake: Intake): Promise<Reply> {
    return new Promise((acknowledge) => {
      const work =
        "form" in interaction
          ? this.#open(interaction.form, interaction.trigger, interaction.aside, acknowledge)
          : this.#press(interaction, intake, acknowledge);
      const whole = work.finally(() => this.#working.delete(whole));
      this.#working.add(whole);
    });
  }

  /** Resolves when everybody who pressed was told. */
  async settled(): Promise<void> {
    await Promise.all(this.#working);
  }

  async #press(
    { press, aside, field }: Extract<Interaction, { press: unknown }>,
    intake: Intake,
    acknowledge: (reply: Reply) => void,
  ): Promise<void> {
    const { clock, answerWithin } = this.#options;
    let late = false;
    const cancel = clock.after(answerWithin, () => {
      late = true;
      acknowledge({});
    });
    const { ok, text } = await this.#outcome(press, aside.user, intake);
    cancel();
    if (field !== undefined && !ok && !late) {
      // The form stays open with what was written in it.
      acknowledge({ response_action: "errors", errors: { [field]: unmarked(text) } });
      return;
    }
    acknowledge({});
    await this.#tell(aside, text);
  }

  async #outcome(press: Omit<Press, "sender">, user: string, intake: Intake): Promise<Pressed> {
    const { name, people, log } = this.#options;
    const sender = await people.named((nameOf) => ({ id: `${name}:${user}`, name: nameOf(user) }));
    try {
      return await intake.press({ ...press, sender });
    } catch (error) {
      log("warn", "a press can't be stored", { cause: describe(error) });
      return UNSTORED;
    }
  }

  async #open(form: object, trigger: string, aside: Aside, acknowledge: (reply: Reply) => void): Promise<void> {
    const { client, clock, log } = this.#options;
    acknowledge({});
    const late = new AbortController();
    const cancel = clock.after(TRIGGER_LASTS, () => late.abort());
    try {
      await client.call("views.open", { trigger_id: trigger, view: form }, late.signal);
    } catch (error) {
      log("warn", "a form could not be opened", { cause: describe(error) });
      await this.#tell(aside, NOT_OPENED);
    } finally {
      cancel();
    }
  }

  /**
   * In a thread, by a post that one person sees: what goes to the address in the payload may come to stand beside the
   * thread. Elsewhere by that address, which works even where the bot was removed. Each is there for where the other
   * fails.
   */
  async #tell(aside: Aside, markdown: string): Promise<void> {
    const { client, log } = this.#options;
    const { user, channel, thread, responseUrl } = aside;
    const place = thread === undefined ? {} : { thread_ts: thread };
    const text = marked(markdown);
    const post = () => client.call("chat.postEphemeral", { channel, user, ...place, text });
    const respond = async () => {
      if (responseUrl === undefined) throw new Error("Slack gave no address to respond to.");
      await client.respond(responseUrl, { response_type: "ephemeral", replace_original: false, ...place, text });
    };
    const [first, second] = thread === undefined ? [respond, post] : [post, respond];
    try {
      await first().catch(async (error: unknown) => {
        log("debug", "a person is told in another way", { cause: describe(error) });
        await second();
      });
    } catch (error) {
      log("warn", "a person could not be told what became of a press", { cause: describe(error) });
    }
  }
}
