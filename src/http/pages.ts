/** The few pages of the server itself, for people who are not signed in yet. */
import { createHash } from "node:crypto";

/** True for a person's browser that opens a page, false for a program or a script. */
export function wantsPage(request: Request): boolean {
  return request.method === "GET" && (request.headers.get("accept") ?? "").includes("text/html");
}

const STYLE = `
:root { color-scheme: light dark }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem }
code { font: 0.95em ui-monospace, monospace; padding: 0.1em 0.35em; border-radius: 4px; background: #8882 }
h1 { font-size: 1.35rem; margin-bottom: 0.5rem }
`;

/** The gateway's pages load nothing from elsewhere and run no inline script; the one inline style is this file's. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  `style-src 'self' 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

export function signInPage(message: string): Response {
  const body = `<h1>You are not signed in</h1>
<p>${message}</p>
<p>Open the link that <code>switchboard start</code> printed in the terminal. It signs this browser in once; after that,
the plain address is enough.</p>`;
  return page("Sign in – Switchboard", body, 401);
}

/**
 * Sends the browser on to `path`, as a page instead of a redirect: a navigation that another site began (a link
 * in a mail) carries no SameSite=Strict cookie, not even after a redirect; one that this page begins does.
 */
export function onwardPage(path: string): Response {
  const target = path.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const head = `<meta http-equiv="refresh" content="0; url=${target}">`;
  return page("Switchboard", `<p><a href="${target}">Continue to Switchboard</a></p>`, 200, head);
}

function page(title: string, body: string, status: number, head = ""): Response {
  const html = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">${head}
<title>${title}</title><style>${STYLE}</style>
${body}
</html>
`;
  return new Response(html, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}
