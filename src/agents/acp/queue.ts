/** What an agent has said in a turn and nobody has taken yet. Bounded: who adds to a full one waits. */
import type { AgentEvent } from "../../model.ts";

/** Characters. Pieces that wait are joined up to the first; beyond the second, the agent is read no further. */
const PIECE = 16_384;
const FULL = 262_144;

export class EventQueue {
  #events: AgentEvent[] = [];
  #size = 0;
  #ended = false;
  #wake = () => {};
  #makeRoom = () => {};
  #room: Promise<void> | undefined;

  push(event: AgentEvent): void {
    if (this.#ended) return;
    const last = this.#events.at(-1);
    if (event.type === "alive" && last !== undefined) return;
    if (isPiece(event) && isPiece(last) && last.type === event.type && last.delta.length < PIECE) {
      this.#events[this.#events.length - 1] = { type: event.type, delta: last.delta + event.delta };
    } else {
      this.#events.push(event);
    }
    this.#size += sizeOf(event);
    this.#wake();
  }

  /** Undefined where there is room. */
  room(): Promise<void> | undefined {
    if (this.#ended || this.#size < FULL) return undefined;
    this.#room ??= new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
    return this.#room;
  }

  /** What was said by now is still given out. */
  end(): void {
    this.#ended = true;
    this.#freed();
    this.#wake();
  }

  /** Nothing more is given out. */
  discard(): void {
    this.#events = [];
    this.#size = 0;
    this.end();
  }

  async *take(): AsyncGenerator<AgentEvent, void> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        this.#size = Math.max(0, this.#size - sizeOf(event));
        if (this.#size < FULL / 2) this.#freed();
        yield event;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #freed(): void {
    this.#makeRoom();
    this.#room = undefined;
  }
}

function isPiece(event: AgentEvent | undefined): event is AgentEvent & { type: "text" | "thought" } {
  return event?.type === "text" || event?.type === "thought";
}

/** Every event takes some room, so that a flood of small ones fills it too. */
function sizeOf(event: AgentEvent): number {
  return isPiece(event) ? event.delta.length : JSON.stringify(event).length;
}
