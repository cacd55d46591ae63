import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Has `end` called when the test under way is over. Outside of one (a hook of a suite, a benchmark) nothing is
 * arranged: there whoever started something stops it.
 */
export async function endWithTest(end: () => Promise<void>): Promise<void> {
  if (process.env.VITEST === undefined) return;
  const { TestRunner, onTestFinished } = await import("vitest");
  if (TestRunner.getCurrentTest() !== undefined) onTestFinished(end);
}

const FIRST_PORT = 15_000;
const LAST_PORT = 31_000;

/**
 * A port that nobody listens on, from below the range that outgoing connections are given theirs from: a server that
 * is killed and started again still finds it free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const server = createServer();
    const taken = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(true));
      server.listen(port, "127.0.0.1", () => resolve(false));
    });
    if (taken) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
