/**
 * Who may in: the holder of the gateway's token. A browser brings it once, in the link that `switchboard start`
 * prints, and keeps a cookie from then on; programs send it as a bearer token.
 *
 * The cookie holds a value derived from the token, so that a stolen cookie does not give the token away, and a
 * new token ends every old cookie. Its name carries the port: cookies are shared by all ports of a host, and
 * several gateways may run on one.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

const COOKIE_MAX_AGE_S = 365 * 24 * 60 * 60;

export interface Auth {
  /** Is this the gateway's token? */
  admits(token: string): boolean;
  /** Does the request carry the token or its cookie? */
  signedIn(headers: Headers): boolean;
  /** The `Set-Cookie` header that keeps a browser signed in. */
  cookie(options: { secure: boolean }): string;
}

export function createAuth(token: string, port: number): Auth {
  const cookieName = `switchboard-${port}`;
  const cookieValue = createHmac("sha256", token).update("switchboard cookie v1").digest("base64url");

  const admits = (given: string): boolean => sameText(given, token);
  return {
    admits,
    signedIn(headers) {
      const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.get("authorization") ?? "")?.[1];
      if (bearer !== undefined) return admits(bearer);
      const cookie = cookieOf(headers, cookieName);
      return cookie !== undefined && sameText(cookie, cookieValue);
    },
    cookie({ secure }) {
      const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${COOKIE_MAX_AGE_S}`;
      return `${cookieName}=${cookieValue}; ${attributes}${secure ? "; Secure" : ""}`;
    },
  };
}

/** The link that signs a browser in. */
export function signInLink(url: string, token: string): string {
  return `${url}/?token=${encodeURIComponent(token)}`;
}

function cookieOf(headers: Headers, name: string): string | undefined {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const [key, ...value] = pair.trim().split("=");
    if (key === name) return value.join("=");
  }
  return undefined;
}

/** Compares in a time that depends on neither text: both are hashed to the same length first. */
function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
