/** What goes wrong between an agent and its model. */
import type { ModelRequest } from "./request.ts";

export type Fault =
  /** Refused with this status. `retryAfter` in seconds, or a date. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly retryAfter?: number | string;
      readonly message?: string;
      readonly code?: string;
    }
  /** The connection breaks when so many events were sent; 0: before the answer has begun. */
  | { readonly kind: "drop"; readonly after: number }
  /** The answer ends there, as if it were whole. */
  | { readonly kind: "end"; readonly after: number }
  /** Nothing more comes, and the connection stays. */
  | { readonly kind: "stall"; readonly after: number }
  /** The stream says that something went wrong, and ends. */
  | { readonly kind: "event"; readonly after: number; readonly message: string; readonly code?: string };

export interface FaultOptions {
  /** Default 1. */
  readonly times?: number;
  /** Default: any request. */
  readonly when?: (request: ModelRequest) => boolean;
}

export class Faults {
  readonly #planned: { fault: Fault; left: number; when: (request: ModelRequest) => boolean }[] = [];

  add(fault: Fault, { times = 1, when = () => true }: FaultOptions = {}): void {
    this.#planned.push({ fault, left: times, when });
  }

  /** The oldest that is for this request; it has happened then. */
  take(request: ModelRequest): Fault | undefined {
    const next = this.#planned.find(({ left, when }) => left > 0 && when(request));
    if (next === undefined) return undefined;
    next.left--;
    return next.fault;
  }

  clear(): void {
    this.#planned.length = 0;
  }
}
