/** The server itself: mounts, limits, faults, its port, and its end. */
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { mounted, raw, stage, TOKEN } from "./stage.ts";

describe("mounts", () => {
  test("the longest that fits gets the request, its path unchanged", async () => {
    const named = (name: string) => async (request: Request) =>
      new Response(`${name} ${new URL(request.url).pathname}`);
    const { call } = await stage([
      mounted("/", "operator", named("root")),
      mounted("/hook", "platform", named("hook")),
      mounted("/hook/deep", "platform", named("deep")),
    ]);
    const said = async (path: string): Promise<string> => (await call(path)).text();
    expect(await said("/")).toBe("root /");
    expect(await said("/hook")).toBe("hook /hook");
    expect(await said("/hook/x")).toBe("hook /hook/x");
    expect(await said("/hook/deep/y")).toBe("deep /hook/deep/y");
    expect(await said("/hooked")).toBe("root /hooked");
  });

  test("a platform's mount is its adapter's to guard, the rest is not", async () => {
    const { call } = await stage([mounted("/hook", "platform", async () => new Response("heard"))]);
    expect(await (await call("/hook", { signedIn: false, method: "POST", body: "{}" })).text()).toBe("heard");
    expect((await call("/", { signedIn: false })).status).toBe(401);
    expect((await call("/")).status).toBe(404);
  });

  test("none of them gets /api, /healthz or /readyz", async () => {
    const { call } = await stage([mounted("/", "operator", async () => new Response("root"))]);
    expect((await call("/api/v1/nothing")).status).toBe(404);
    expect(await (await call("/healthz")).json()).toMatchObject({ ok: true });
  });

  test("every response says that nothing from elsewhere may run", async () => {
    const { call } = await stage([mounted("/", "operator", async () => new Response("page"))]);
    for (const path of ["/", "/api/v1/stats", "/nothing"]) {
      const { headers } = await call(path, { signedIn: path !== "/nothing" });
      expect(headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });
});

describe("bad input", () => {
  test("a body over the limit is refused, and so is one that does not say its length", async () => {
    let bodies = 0;
    const { call, server } = await stage([
      mounted("/", "operator", async (request) => {
        bodies += (await request.text()).length;
        return new Response("read");
      }),
    ]);
    const much = "x".repeat(1024 * 1024 + 1);
    expect((await call("/", { method: "POST", body: much })).status).toBe(413);
    const chunked = await raw(server.url, {
      method: "POST",
      headers: { "transfer-encoding": "chunked", authorization: `Bearer ${TOKEN}` },
      body: much,
    });
    expect(chunked.status).toBe(411);
    expect(JSON.parse(chunked.body).error.code).toBe("BODY_LENGTH_MISSING");
    expect(bodies).toBe(0);
    expect((await call("/", { method: "POST", body: much.slice(1) })).status).toBe(200);
    expect(bodies).toBe(1024 * 1024);
  });

  test("a request that is none is answered and the next one served", async () => {
    const { call, server } = await stage();
    const { hostname, port } = new URL(server.url);
    for (const text of [
      "nonsense\r\n\r\n",
      "GET http://[ HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET \\\\ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]) {
      const socket = connect(Number(port), hostname);
      socket.end(text);
      let answer = "";
      socket.on("data", (chunk) => {
        answer += chunk;
      });
      await once(socket, "close");
      expect(answer).toMatch(/^HTTP\/1.1 4/);
      expect(answer).not.toContain("    at ");
    }
    expect((await call("/api/v1/stats")).status).toBe(200);
  });

  test("a fault is in the log in full and in the answer not at all", async () => {
    const { call, logged } = await stage([
      mounted("/", "operator", async () => {
        throw new Error("no such table: secrets");
      }),
    ]);
    const response = await call("/x?token-like=1");
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text).error.code).toBe("INTERNAL");
    expect(text).not.toContain("secrets");
    expect(logged).toMatchObject([[{ path: "/x", err: { message: "no such table: secrets" } }, expect.any(String)]]);
  });
});

describe("port and end", () => {
  test("a port that is taken is named", async () => {
    const { server } = await stage();
    const port = Number(new URL(server.url).port);
    await expect(stage([], { port })).rejects.toMatchObject({
      code: "HTTP_PORT_TAKEN",
      message: expect.stringContaining(String(port)),
    });
    await expect(stage([], { host: "203.0.113.1" })).rejects.toMatchObject({ code: "HTTP_ADDRESS_REFUSED" });
  });

  test("close lets an answer under way finish, cuts streams, and frees the port", async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const begun: string[] = [];
    const { call, server } = await stage([
      mounted("/", "operator", async (request) => {
        const { pathname } = new URL(request.url);
        begun.push(pathname);
        if (pathname === "/stream") {
          const body = new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode(": hi\n\n")),
          });
          return new Response(body, { headers: { "content-type": "text/event-stream" } });
        }
        await held;
        return new Response("finished");
      }),
    ]);
    const stream = (await call("/stream")).body?.getReader();
    expect(new TextDecoder().decode((await stream?.read())?.value)).toBe(": hi\n\n");
    const slow = call("/slow");
    await expect.poll(() => begun).toContain("/slow");
    const closed = server.close();
    await expect(stream?.read()).rejects.toThrow();
    release?.();
    expect(await (await slow).text()).toBe("finished");
    await closed;
    await expect(call("/healthz")).rejects.toThrow();
    await stage([], { port: Number(new URL(server.url).port) });
  });
});
