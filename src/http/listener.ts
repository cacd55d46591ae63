/** Binding a port, and giving it back without cutting answers short. */
import type { Server, ServerResponse } from "node:http";
import { SwitchboardError } from "../errors.ts";

/** How long an answer under way may take to finish when the server closes. */
const CLOSE_GRACE_MS = 2_000;

export interface Listener {
  /** The port bound: the system's choice where 0 was asked for. */
  readonly port: number;
  /** This answer never ends by itself: it is cut when the server closes. */
  cutAtClose(answer: ServerResponse): void;
  close(): Promise<void>;
}

export async function listen(server: Server, host: string, wanted: number): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, wanted));
    server.once("error", fail);
    server.listen({ host, port: wanted }, () => {
      server.off("error", fail);
      resolve();
    });
  });

  const underWay = new Set<ServerResponse>();
  const endless = new WeakSet<ServerResponse>();
  server.on("request", (_request, response) => {
    underWay.add(response);
    response.once("close", () => underWay.delete(response));
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : wanted;
  return {
    port,
    cutAtClose: (answer) => endless.add(answer),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const response of underWay) {
        if (endless.has(response)) response.destroy();
        else closeBehind(server, response);
      }
      const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(cut);
    },
  };
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): SwitchboardError {
  if (cause.code === "EADDRINUSE") {
    return new SwitchboardError("HTTP_PORT_TAKEN", `Port ${port} of ${host} is taken.`, { cause });
  }
  const message = `Can't listen on port ${port} of ${host}: ${cause.message}`;
  return new SwitchboardError("HTTP_ADDRESS_REFUSED", message, { cause });
}

function closeBehind(server: Server, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  // Headers that were sent before promised to keep the connection: it is idle a moment after the answer ends.
  response.once("close", () => setImmediate(() => server.closeIdleConnections()));
}
