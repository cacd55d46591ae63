/** A request that is not permitted any more when it could be written is not written. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { asksPermit, permitted } from "../../adapters/shared/permit.ts";
import type { ChannelAdapter, Editing } from "../../src/channel.ts";
import { type ChannelId, channelId } from "../../src/model.ts";
import * as discord from "./discord-stage.ts";
import * as slack from "./slack-stage.ts";
import * as telegram from "./telegram-stage.ts";

const { signal } = new AbortController();

/** A server that answers when it is told to, and a pool of one connection to it. */
async function bottleneck() {
  const held: ServerResponse[] = [];
  const paths: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    held.push(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = new Pool(origin, { connections: 1, pipelining: 1 }).compose(asksPermit);
  onTestFinished(async () => {
    await pool.destroy();
    server.close();
  });
  const get = async (path: string) => (await pool.request({ method: "GET", path })).body.text();
  const answer = () => {
    for (const response of held.splice(0)) response.end("done");
  };
  return { paths, get, answer, server };
}

describe("a request", () => {
  it("that waited for a connection is asked for again before it is written", async () => {
    const { paths, get, answer, server } = await bottleneck();
    const first = permitted(
      () => true,
      () => get("/first"),
    );
    await once(server, "request");
    let mine = true;
    const late = permitted(
      () => mine,
      () => get("/late"),
    );
    const others = get("/others");
    mine = false;
    answer();
    expect(await first).toBe("done");
    await expect(late).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
    await once(server, "request");
    answer();
    expect(await others).toBe("done");
    expect(paths).toEqual(["/first", "/others"]);
  });
});

interface Talk {
  readonly adapter: ChannelAdapter & Editing;
  readonly channel: ChannelId;
  texts(): string[];
}

const talks: Record<string, () => Promise<Talk>> = {
  telegram: async () => {
    const { adapter, channel, chat } = await telegram.talk();
    return { adapter, channel, texts: () => chat.messages().map(({ text }) => text) };
  },
  slack: async () => {
    const { twin, adapter } = await slack.stage();
    const ada = twin.user("Ada Lovelace");
    const dm = twin.dm(ada);
    const channel = channelId("slack", `${twin.teamId}/${dm.id}`);
    return { adapter, channel, texts: () => dm.messages(null).map(({ text }) => text) };
  },
  discord: async () => {
    const { twin, adapter } = await discord.stage();
    const dm = twin.dm(twin.user({ username: "ada" }));
    const channel = channelId("discord", dm.id);
    return { adapter, channel, texts: () => dm.messages().map(({ text }) => text) };
  },
};

describe.each(Object.keys(talks))("%s", (platform) => {
  it("asks when a message's turn has come, and when it is written", async () => {
    const { adapter, channel, texts } = await (talks[platform] as () => Promise<Talk>)();
    /** Permits so many times. */
    const permits = (times: number) => {
      let asked = 0;
      return () => asked++ < times;
    };
    for (const times of [0, 1]) {
      const sending = adapter.send(channel, "stale", { key: `k${times}`, signal, permit: permits(times) });
      await expect(sending).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
    }
    const ref = await adapter.send(channel, "mine", { key: "k", signal, permit: permits(2) });
    for (const times of [0, 1]) {
      const editing = adapter.edit(channel, ref, "stale", { urgency: "final", signal, permit: permits(times) });
      await expect(editing).rejects.toMatchObject({ name: "DeliveryError", kind: "unavailable" });
      await adapter.edit(channel, ref, "stale", { urgency: "preview", signal, permit: permits(times) }).catch(() => {});
    }
    expect(texts().at(-1)).toBe("mine");
    expect(texts()).not.toContain("stale");
  });
});
