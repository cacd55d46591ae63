/**
 * What people type, as Slack encodes it, as plain text: `<@U1>`, `<#C1|general>`, `<https://a.b|label>`, `<!here>`,
 * `&amp;` (docs.slack.dev/messaging/formatting-message-text).
 */

export interface Decoded {
  /** Without the bot's own mentions. */
  readonly text: string;
  readonly mentioned: boolean;
}

/** `self` is the bot's user id; `nameOf` names everybody else. */
export function decode(encoded: string, self: string, nameOf: (user: string) => string): Decoded {
  let text = "";
  let mentioned = false;
  let rest = encoded;
  for (;;) {
    const [whole, before = "", token = ""] = /^([^<]*)<([^<>]*)>/.exec(rest) ?? [];
    if (whole === undefined) return { text: (text + unescaped(rest)).trim(), mentioned };
    text += unescaped(before);
    rest = rest.slice(whole.length);
    if (token === `@${self}` || token.startsWith(`@${self}|`)) {
      mentioned = true;
      // The space behind a mention goes with it, unless it is what keeps two words apart.
      if (text === "" || /\s$/.test(text)) rest = rest.trimStart();
    } else {
      text += worded(token, nameOf);
    }
  }
}

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function worded(token: string, nameOf: (user: string) => string): string {
  const [target = "", ...more] = token.split("|");
  const label = unescaped(more.join("|"));
  switch (target.charAt(0)) {
    case "@":
      return `@${nameOf(target.slice(1)) || label}`;
    case "#":
      return `#${label || target.slice(1)}`;
    case "!":
      return label || `@${target.slice(1).split("^")[0]}`;
    default:
      return link(unescaped(target), label);
  }
}

function link(url: string, label: string): string {
  const bare = url.replace(/^(?:https?:\/\/|mailto:|tel:)/, "");
  if (label === "" || label === url) return url;
  return label === bare ? label : `[${label}](${url})`;
}
