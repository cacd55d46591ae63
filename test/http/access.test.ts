/** Who may in: tokens, cookies, hosts, origins, and what they learn who may not. */
import { describe, expect, test } from "vitest";
import { mounted, raw, stage, TOKEN } from "./stage.ts";

const page = () => mounted("/", "operator", async () => new Response("the page"));

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

describe("without the token", () => {
  test.each(["/api/v1/sessions", "/api/v1/stats", "/api/nothing", "/api", "/", "/assets/index.js", "/no/where"])(
    "%s is refused and tells nothing",
    async (path) => {
      const { call } = await stage([page()]);
      const response = await call(path, { signedIn: false });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({
        error: { code: "UNAUTHORIZED", remedy: expect.stringContaining("switchboard start") },
      });
    },
  );

  test("a browser gets a page that says how to get in", async () => {
    const { call } = await stage([page()]);
    const response = await call("/", { signedIn: false, headers: { accept: "text/html,*/*" } });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("switchboard start");
  });

  test.each(["", "x", `${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase()])("nor with %j", async (token) => {
    const { call } = await stage([page()]);
    const bearer = await call("/", { headers: { authorization: `Bearer ${token}` } });
    expect(bearer.status).toBe(401);
    const link = await call(`/?token=${token}`, { signedIn: false });
    expect(link.status).toBe(401);
    expect(link.headers.getSetCookie()).toEqual([]);
  });
});

describe("the link", () => {
  test("is exchanged for a cookie that opens everything and is not the token", async () => {
    const { call, server } = await stage([page()]);
    const response = await call(`/some/page?a=1&token=${TOKEN}`, { signedIn: false });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/some/page?a=1");
    const [header = ""] = response.headers.getSetCookie();
    expect(header).toContain(`switchboard-${new URL(server.url).port}=`);
    expect(header).toContain("HttpOnly");
    expect(header).toContain("SameSite=Strict");
    expect(header).not.toContain(TOKEN);
    const cookie = cookieOf(response);
    const inside = await call("/", { signedIn: false, headers: { cookie: `other=1; ${cookie}` } });
    expect(await inside.text()).toBe("the page");
    const api = await call("/api/v1/stats", { signedIn: false, headers: { cookie } });
    expect(api.status).toBe(200);
  });

  test("leads nowhere else, whatever stands in it", async () => {
    const { call } = await stage([page()]);
    const response = await call(`//evil.example/?token=${TOKEN}`, { signedIn: false });
    expect(response.headers.get("location")).toBe("/evil.example/");
  });

  test("opened from another site goes on by a page, since a redirect would carry no cookie", async () => {
    const { server } = await stage([page()]);
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", accept: "text/html" };
    const response = await raw(`${server.url}/x?token=${TOKEN}`, { headers });
    expect(response.status).toBe(200);
    expect(response.headers["set-cookie"]).toHaveLength(1);
    expect(response.body).toContain('content="0; url=/x"');
    expect(response.body).not.toContain(TOKEN);
    const plain = await raw(`${server.url}/x?q="><script`, { headers });
    expect(plain.status).toBe(200);
    expect(plain.body).not.toContain('"><script');
    expect(plain.headers["set-cookie"]).toBeUndefined();
  });

  test("of a gateway with another token keeps who is signed in", async () => {
    const { call } = await stage([page()]);
    const cookie = cookieOf(await call(`/?token=${TOKEN}`, { signedIn: false }));
    const response = await call("/?token=another-token-altogether", { signedIn: false, headers: { cookie } });
    expect(response.status).toBe(303);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test("does nothing for the API", async () => {
    const { call } = await stage();
    expect((await call(`/api/v1/stats?token=${TOKEN}`, { signedIn: false })).status).toBe(401);
  });
});

describe("hosts and origins", () => {
  test("only the gateway's own names, with its port or none", async () => {
    const { server } = await stage([page()], { allowedHosts: ["chat.example", "other.example:8443"] });
    const { port } = new URL(server.url);
    const statusFor = async (host: string): Promise<number> =>
      (await raw(`${server.url}/`, { headers: { host, authorization: `Bearer ${TOKEN}` } })).status;
    for (const host of ["localhost", `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, "LocalHost"]) {
      expect(await statusFor(host), host).toBe(200);
    }
    for (const host of ["chat.example", "chat.example:444", "other.example:8443"]) {
      expect(await statusFor(host), host).toBe(200);
    }
    for (const host of ["evil.example", "localhost:1", "other.example", "127.0.0.1.evil.example", "x@127.0.0.1"]) {
      expect([400, 421], host).toContain(await statusFor(host));
    }
  });

  test("a page of another site can't change anything, one of the gateway's own can", async () => {
    const { server } = await stage([page()]);
    const { host, port } = new URL(server.url);
    const post = async (origin: string): Promise<number> =>
      (await raw(`${server.url}/`, { method: "POST", headers: { host, origin, authorization: `Bearer ${TOKEN}` } }))
        .status;
    expect(await post(server.url)).toBe(200);
    expect(await post(`https://${host}`)).toBe(200);
    for (const origin of ["http://evil.example", "null", `http://localhost:${port}`, "http://127.0.0.1:1", "junk"]) {
      expect(await post(origin), origin).toBe(403);
    }
  });
});

describe("health", () => {
  test("is open to probes, by any name, and tells no details", async () => {
    const { server, gateway } = await stage();
    const healthz = await raw(`${server.url}/healthz`, { headers: { host: "10.0.0.7" } });
    expect(JSON.parse(healthz.body)).toEqual({ ok: true, version: "1.2.3" });
    const readyz = await raw(`${server.url}/readyz`, { headers: {} });
    expect(readyz.status).toBe(200);
    expect(JSON.parse(readyz.body)).toEqual({
      ready: true,
      store: { ok: true, warnings: [] },
      replicas: 1,
      adapters: { telegram: "failed" },
    });
    gateway.ready = {
      ready: false,
      store: { ok: false, detail: "/srv/secret is full", warnings: [] },
      replicas: [],
      adapters: {},
    };
    const down = await raw(`${server.url}/readyz`, { headers: {} });
    expect(down.status).toBe(503);
    expect(down.body).not.toContain("/srv");
    gateway.fault = new Error("no answer from /srv/secret");
    const broken = await raw(`${server.url}/readyz`, { headers: {} });
    expect(broken.status).toBe(503);
    expect(broken.body).not.toContain("/srv");
  });
});
