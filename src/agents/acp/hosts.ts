/** The processes of an agent: one for each live session, or one for all that work in the same folder. */
import { Link, type LinkSpec } from "./link.ts";

export interface Lease {
  readonly link: Link;
  /** Others talk through it too. */
  readonly isShared: boolean;
  /** Ends the process where nobody else needs it. */
  release(): Promise<void>;
}

interface Host {
  readonly link: Link;
  users: number;
}

export class Hosts {
  readonly #spec: Omit<LinkSpec, "cwd">;
  readonly #processes: "session" | "shared";
  /** By folder. */
  readonly #shared = new Map<string, Host>();

  constructor(spec: Omit<LinkSpec, "cwd">, processes: "session" | "shared") {
    this.#spec = spec;
    this.#processes = processes;
  }

  lease(cwd: string): Lease {
    if (this.#processes === "session") {
      const link = new Link({ ...this.#spec, cwd });
      return { link, isShared: false, release: () => link.close() };
    }
    const found = this.#shared.get(cwd);
    const host = found?.link.isOpen ? found : this.#start(cwd);
    host.users += 1;
    let released: Promise<void> | undefined;
    return {
      link: host.link,
      get isShared() {
        return host.users > 1;
      },
      release: () => {
        released ??= this.#release(cwd, host);
        return released;
      },
    };
  }

  #start(cwd: string): Host {
    const link = new Link({ ...this.#spec, cwd });
    const host = { link, users: 0 };
    this.#shared.set(cwd, host);
    void link.closed.then(() => this.#forget(cwd, host));
    return host;
  }

  async #release(cwd: string, host: Host): Promise<void> {
    host.users -= 1;
    // What a process that has ended left behind is nobody's: whoever says that it ended has it gone by then.
    if (host.users > 0 && host.link.isOpen) return;
    this.#forget(cwd, host);
    await host.link.close();
  }

  #forget(cwd: string, host: Host): void {
    if (this.#shared.get(cwd) === host) this.#shared.delete(cwd);
  }
}
