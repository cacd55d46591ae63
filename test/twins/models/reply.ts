/** What a model answers, before it is put on a wire. */
export interface Reply {
  readonly thought?: string;
  /** In the pieces in which it is streamed. May be endless. */
  readonly text?: Iterable<string>;
  /** Milliseconds between two pieces. Default: none. */
  readonly every?: number;
  readonly calls?: readonly ToolCall[];
  /** Default: a quarter of the characters. */
  readonly usage?: Usage;
  /** Default: `end`, or `calls` where it calls tools. */
  readonly stop?: Stop;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

export interface Usage {
  readonly input: number;
  readonly output: number;
  /** Of `input`: read from the cache. */
  readonly cached?: number;
}

export type Stop = "end" | "calls" | "length" | "refusal";

/** A reply with nothing left open. */
export interface FullReply {
  readonly thought: string;
  readonly text: Iterable<string>;
  readonly calls: readonly ToolCall[];
  readonly stop: Stop;
  /** OpenAI's Chat Completions tell it in a stream only to who asks for it. */
  readonly tellsUsage: boolean;
  /** Called when all was said. */
  usage(said: string): Required<Usage>;
}

export function complete(reply: Reply, promptLength: number, tellsUsage: boolean): FullReply {
  const { thought = "", text = [], calls = [], usage } = reply;
  return {
    ...{ thought, text, calls, tellsUsage },
    stop: reply.stop ?? (calls.length > 0 ? "calls" : "end"),
    usage: (said) => ({
      input: usage?.input ?? Math.ceil(promptLength / 4),
      output: usage?.output ?? Math.ceil((said.length + thought.length) / 4),
      cached: usage?.cached ?? 0,
    }),
  };
}

/** One server-sent event: its data is JSON, but for OpenAI's last one. */
export interface Sse {
  readonly event?: string;
  readonly data: unknown;
}

/** One way to talk to a model. */
export interface Wire {
  /** All of a streamed answer. */
  stream(model: string, reply: FullReply): Iterable<Sse>;
  /** The same in one piece. */
  whole(model: string, reply: FullReply): unknown;
  error(status: number, message: string, code?: string): unknown;
  /** An error that comes when the stream has begun. */
  errorEvent(message: string, code?: string): Sse;
}
