/** Why Telegram would not take this as the target of a link; `undefined` where it would. */
export function linkFault(link: string): string | undefined {
  if (/^(?:tg|ton|tonsite):/i.test(link)) return undefined;
  const [, protocol = "http", authority = ""] = /^(?:([^/?#]*?):\/\/)?([^/?#]*)/.exec(link.trim()) ?? [];
  if (!/^https?$/i.test(protocol)) return "Unsupported URL protocol";
  const host = authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d*$/, "");
  if (host === "") return "URL host is empty";
  if (/^\[[\da-f:.]+\]$/i.test(host)) return undefined;
  if (/[\s"<>\\:[\]]/.test(host)) return "Disallowed character in URL host";
  return host.includes(".") ? undefined : "Wrong HTTP URL";
}
