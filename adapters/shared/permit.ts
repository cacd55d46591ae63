/**
 * Asks whether a call is still permitted where its request is written: it may have waited for a connection, or for one
 * to be opened, and the process may have been asleep meanwhile.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { DecoratorHandler, type Dispatcher } from "undici";
import { DeliveryError, type Permitted } from "../../src/channel.ts";

type Permit = NonNullable<Permitted["permit"]>;

// The platforms' clients stand between a delivery and its request, and pass nothing of ours along.
const permits = new AsyncLocalStorage<Permit>();

/** Every request that `work` makes by a dispatcher with `asksPermit` asks for the permit. */
export function permitted<T>(permit: Permitted["permit"], work: () => Promise<T>): Promise<T> {
  return permit === undefined ? work() : permits.run(permit, work);
}

/** Rejects with `unavailable` where it is not permitted. */
export function insistPermitted(permit: Permitted["permit"]): void {
  if (permit?.() === false) {
    throw new DeliveryError("unavailable", "Not sent: this chat may be another replica's by now.");
  }
}

/** For `compose`: a request that is not permitted any more fails with a `DeliveryError`, and nothing of it is written. */
export const asksPermit: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const permit = permits.getStore();
  return dispatch(options, permit === undefined ? handler : new Asking(handler, permit));
};

interface Starts {
  onRequestStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler["onRequestStart"]>>): void;
}
// Its types leave out what it passes on.
const Decorator = DecoratorHandler as new (handler: Dispatcher.DispatchHandler) => Starts;

class Asking extends Decorator {
  readonly #permit: Permit;

  constructor(handler: Dispatcher.DispatchHandler, permit: Permit) {
    super(handler);
    this.#permit = permit;
  }

  /** Called before the first byte of a request; what it throws is the request's failure. */
  override onRequestStart(...args: Parameters<Starts["onRequestStart"]>): void {
    insistPermitted(this.#permit);
    super.onRequestStart(...args);
  }
}
