/** The address of a Redis: `store.url` → what a connection needs. */
import { SwitchboardError } from "../../errors.ts";

export interface RedisAddress {
  readonly kind: "single" | "sentinel" | "cluster";
  /** The server; the sentinels; some nodes of the cluster. At least one. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  /** The file of the authority that vouches for the servers' certificates; the system's own where it is left out. */
  readonly ca?: string;
  readonly username?: string;
  readonly password?: string;
  /** Always 0 in a cluster. */
  readonly db: number;
  /** The name that the sentinels know the master by. */
  readonly master?: string;
  /** What every key begins with. */
  readonly prefix: string;
  /** Into how many parts the key space is split. */
  readonly shards: number;
  /** Whether a second store may be begun on a Redis that holds one under another prefix. */
  readonly beside: boolean;
}

const PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
const FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const PARAMETERS = new Set(["prefix", "shards", "beside", "ca"]);

/** Throws CONFIG_INVALID. */
export function parseRedisAddress(url: string): RedisAddress {
  const [, secure, topology, user, authority = "", path = "", query = ""] = FORM.exec(url) ?? [];
  if (secure === undefined) throw invalid("it must look like redis://[user:password@]host:port[/database]");
  const kind = topology === "sentinel" || topology === "cluster" ? topology : "single";
  const hosts = authority.split(",").map((text) => hostOf(text, PORTS[kind]));
  if (kind === "single" && hosts.length > 1) throw invalid("several hosts need redis+sentinel:// or redis+cluster://");
  const segments = path.split("/").filter((segment) => segment !== "");
  const master = kind === "sentinel" ? segments.shift() : undefined;
  if (kind === "sentinel" && master === undefined)
    throw invalid("name the master: redis+sentinel://host:port/mymaster");
  const [number = "0", ...more] = segments;
  if (!/^\d{1,9}$/.test(number) || more.length > 0) throw invalid(`"/${path}" is no database number`);
  const db = Number(number);
  if (kind === "cluster" && db !== 0) throw invalid("a Redis Cluster has database 0 only");
  return {
    kind,
    hosts,
    tls: secure === "s",
    ...credentialsOf(user),
    db,
    ...(master === undefined ? {} : { master: unescaped(master) }),
    ...parametersOf(new URLSearchParams(query)),
  };
}

function hostOf(text: string, fallback: number): { host: string; port: number } {
  const [, host = "", port] = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const number = port === undefined ? fallback : Number(port);
  if (host === "" || number < 1 || number > 65_535)
    throw invalid("a host is written host:port, and a / in a password %2F");
  return { host: host.replace(/^\[|\]$/g, ""), port: number };
}

function credentialsOf(text: string | undefined): { username?: string; password?: string } {
  if (text === undefined || text === "") return {};
  const colon = text.indexOf(":");
  const username = unescaped(colon < 0 ? "" : text.slice(0, colon));
  const password = unescaped(colon < 0 ? text : text.slice(colon + 1));
  return { ...(username === "" ? {} : { username }), password };
}

function parametersOf(query: URLSearchParams): Pick<RedisAddress, "prefix" | "shards" | "beside" | "ca"> {
  for (const name of query.keys()) {
    if (!PARAMETERS.has(name)) throw invalid(`unknown parameter "${name}"; known are ${[...PARAMETERS].join(", ")}`);
  }
  const prefix = query.get("prefix") ?? "sb";
  // A brace would begin a hash tag of its own.
  if (!/^[\w.:-]{1,64}$/.test(prefix)) throw invalid("prefix may hold letters, digits, and . : _ -");
  const shards = query.get("shards") ?? "64";
  if (!/^[1-9]\d{0,3}$/.test(shards) || Number(shards) > 1_024) throw invalid("shards is a number from 1 to 1024");
  const beside = query.get("beside") ?? "no";
  if (beside !== "yes" && beside !== "no") throw invalid("beside is yes or no");
  const ca = query.get("ca");
  return { prefix, shards: Number(shards), beside: beside === "yes", ...(ca === null ? {} : { ca }) };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) throw invalid("a % in a name or password is written %25");
    throw error;
  }
}

function invalid(why: string): SwitchboardError {
  return new SwitchboardError("CONFIG_INVALID", `store.url: ${why}`);
}
