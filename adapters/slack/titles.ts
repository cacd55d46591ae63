/**
 * Titles of assistant threads, which people find again in the list of their conversations with the bot: the beginning of
 * what they said first. Slack tells when such a thread begins; who has not heard that gives no title.
 */
import { type ChannelId, channelId, type InboundEvent } from "../../src/model.ts";
import type { SlackClient } from "./client.ts";
import { codeOf, toDeliveryError } from "./errors.ts";
import { fields, text } from "./fields.ts";
import { placeIn } from "./places.ts";

const LENGTH = 80;
/** Threads that nothing was said in yet. */
const MOST = 1000;

export class Titles {
  readonly #name: string;
  readonly #client: SlackClient;
  readonly #report: (problem: string) => void;
  readonly #open = new Set<ChannelId>();

  constructor(name: string, client: SlackClient, report: (problem: string) => void) {
    this.#name = name;
    this.#client = client;
    this.#report = report;
  }

  /** Takes note where the payload says that a thread begins. */
  begun(body: unknown): void {
    const whole = fields(body);
    const event = fields(whole?.event);
    const thread = fields(event?.assistant_thread);
    const [team, channel, ts] = [text(whole?.team_id), text(thread?.channel_id), text(thread?.thread_ts)];
    if (event?.type !== "assistant_thread_started" || team === undefined || channel === undefined || ts === undefined)
      return;
    this.#open.add(channelId(this.#name, `${team}/${channel}/${ts}`));
    const [oldest] = this.#open;
    if (this.#open.size > MOST && oldest !== undefined) this.#open.delete(oldest);
  }

  /** Returns at once: a thread without a title works. */
  said({ channel, text: said }: InboundEvent): void {
    if (!this.#open.delete(channel)) return;
    const { channel: conversation, thread } = placeIn(channel);
    const line = said.trim().split("\n", 1)[0] ?? "";
    const title = line.length <= LENGTH ? line : `${line.slice(0, LENGTH - 1).trimEnd()}…`;
    this.#client
      .call("assistant.threads.setTitle", { channel_id: conversation, thread_ts: thread, title })
      .catch((error: unknown) => {
        this.#report(`a thread has no title: ${codeOf(error) ?? toDeliveryError(error, "read").message}`);
      });
  }
}
