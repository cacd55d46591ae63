/**
 * Which `Host` and `Origin` a request may name. A page of another site can make a browser send requests here
 * (cross-site requests), and can point a name of its own at this machine (DNS rebinding): both carry a foreign
 * name in one of these headers.
 */

export interface Hosts {
  /** Is the `Host` header one of the gateway's own names? */
  knows(host: string | undefined): boolean;
}

/**
 * `host` and the loopback names count with the port bound, or with none; a name under `allowedHosts` with any
 * port (a proxy has its own), or with exactly the one it is listed with.
 */
export function createHosts(config: { host: string; allowedHosts: readonly string[] }, port: number): Hosts {
  const own = new Set([config.host.toLowerCase(), "localhost", "127.0.0.1", "::1"]);
  const allowed = new Set(config.allowedHosts.map((name) => name.toLowerCase()));
  return {
    knows(header) {
      const named = parseHost(header);
      if (named === undefined) return false;
      if (allowed.has(named.host) || allowed.has(`[${named.host}]`)) return true;
      if (named.port !== undefined && allowed.has(`${named.host}:${named.port}`)) return true;
      return own.has(named.host) && (named.port === undefined || named.port === port);
    },
  };
}

/** Does the `Origin` name the same place as the `Host`? Its scheme may differ: a proxy may have taken TLS off. */
export function isSameOrigin(origin: string, host: string | undefined): boolean {
  const scheme = /^https?:(?=\/\/)/.exec(origin)?.[0];
  if (scheme === undefined || host === undefined) return false;
  const [left, right] = [parseUrl(origin), parseUrl(`${scheme}//${host}`)];
  return left !== undefined && left.host === right?.host;
}

/** How a browser on this machine reaches an address that was bound. */
export function urlOf(host: string, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

function parseHost(header: string | undefined): { host: string; port?: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(header ?? "") ?? [];
  const host = (bracketed ?? plain)?.toLowerCase();
  if (host === undefined) return undefined;
  return port === undefined ? { host } : { host, port: Number(port) };
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
