/**
 * A TCP proxy that plays a network which was cut: what a client has sent is kept, its connection breaks, and long after
 * it has another one, what was kept arrives.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { eventually } from "../support/eventually.ts";
import { endWithTest, freePort } from "../support/lifetime.ts";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** What is held back; undefined while all passes. */
  kept: Buffer[] | undefined;
}

export class LateProxy {
  readonly port: number;
  #links: Link[] = [];
  #held: Link[] = [];

  static async start(target: number): Promise<LateProxy> {
    const proxy = new LateProxy(await freePort());
    const listener = createServer((client) => proxy.#join(client, connect(target, "127.0.0.1")));
    listener.listen(proxy.port, "127.0.0.1");
    await once(listener, "listening");
    await endWithTest(async () => {
      for (const { client, server } of [...proxy.#links, ...proxy.#held]) {
        client.destroy();
        server.destroy();
      }
      listener.close();
      await once(listener, "close");
    });
    return proxy;
  }

  private constructor(port: number) {
    this.port = port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** From now on nothing arrives. */
  hold(): void {
    for (const link of this.#links) link.kept ??= [];
  }

  /** Breaks the connections whose bytes are held back, once there is something of `text` in them. */
  async breakAfter(text: string): Promise<void> {
    const held = () => this.#links.filter(({ kept }) => kept !== undefined);
    await eventually(() => held().some(({ kept = [] }) => Buffer.concat(kept).includes(text)), `${text} was sent`);
    this.#held = held();
    this.#links = [];
    for (const { client } of this.#held) client.destroy();
  }

  /** What was held back arrives; resolves when it was answered. */
  async deliver(): Promise<void> {
    const late = this.#held.filter(({ kept = [] }) => kept.length > 0);
    await Promise.all(
      late.map(async ({ server, kept = [] }) => {
        const answered = once(server, "data");
        server.write(Buffer.concat(kept));
        await answered;
      }),
    );
  }

  #join(client: Socket, server: Socket): void {
    const link: Link = { client, server, kept: undefined };
    this.#links.push(link);
    client.on("data", (bytes) => {
      if (link.kept === undefined) server.write(bytes);
      else link.kept.push(bytes);
    });
    server.on("data", (bytes) => client.write(bytes));
    for (const socket of [client, server]) socket.on("error", () => {});
    client.on("close", () => {
      if (link.kept === undefined) server.destroy();
    });
  }
}
