import { describe, expect, test } from "vitest";
import { parseRedisAddress } from "../../src/stores/redis/address.ts";

const PLAIN = { kind: "single", tls: false, db: 0, prefix: "sb", shards: 64, beside: false };

describe("the address of a Redis", () => {
  test.each([
    ["redis://host", { hosts: [{ host: "host", port: 6379 }] }],
    ["redis://host/", { hosts: [{ host: "host", port: 6379 }] }],
    ["redis://[::1]:7000/3", { hosts: [{ host: "::1", port: 7000 }], db: 3 }],
    ["rediss://host:1", { hosts: [{ host: "host", port: 1 }], tls: true }],
    ["rediss://h?ca=/etc/a%20b.crt", { hosts: [{ host: "h", port: 6379 }], tls: true, ca: "/etc/a b.crt" }],
    ["redis://secret@h", { hosts: [{ host: "h", port: 6379 }], password: "secret" }],
    ["redis://:secret@h", { hosts: [{ host: "h", port: 6379 }], password: "secret" }],
    ["redis://a%40b:c%3Ad%2Fe:f@h", { hosts: [{ host: "h", port: 6379 }], username: "a@b", password: "c:d/e:f" }],
    [
      "redis://h?prefix=my.app-1:x_y&shards=1024&beside=yes",
      { hosts: [{ host: "h", port: 6379 }], prefix: "my.app-1:x_y", shards: 1024, beside: true },
    ],
    ["redis://h?beside=no&shards=1", { hosts: [{ host: "h", port: 6379 }], shards: 1 }],
    [
      "redis+sentinel://u:p@h1,h2:27000/my%20master/2",
      {
        kind: "sentinel",
        hosts: [
          { host: "h1", port: 26_379 },
          { host: "h2", port: 27_000 },
        ],
        username: "u",
        password: "p",
        master: "my master",
        db: 2,
      },
    ],
    ["rediss+sentinel://h/m", { kind: "sentinel", hosts: [{ host: "h", port: 26_379 }], tls: true, master: "m" }],
    [
      "redis+cluster://h1,h2:7001/0",
      {
        kind: "cluster",
        hosts: [
          { host: "h1", port: 6379 },
          { host: "h2", port: 7001 },
        ],
      },
    ],
    ["rediss+cluster://h", { kind: "cluster", hosts: [{ host: "h", port: 6379 }], tls: true }],
  ])("%s", (url, parts) => {
    expect(parseRedisAddress(url)).toEqual({ ...PLAIN, ...parts });
  });

  test.each([
    ["", "it must look like"],
    ["redis:/host", "it must look like"],
    ["redis://", "it must look like"],
    ["http://host", "it must look like"],
    ["redis+other://host", "it must look like"],
    ["redis://host#fragment", "it must look like"],
    ["redis://a@b@host", "it must look like"],
    ["redis://host:0", "host:port"],
    ["redis://host:65536", "host:port"],
    ["redis://host:port", "host:port"],
    ["redis://::1", "host:port"],
    ["redis+cluster://a,,b", "host:port"],
    ["redis://a,b", "several hosts"],
    ["redis://host/one", "is no database number"],
    ["redis://host/-1", "is no database number"],
    ["redis://host/1.5", "is no database number"],
    ["redis://host/0x1", "is no database number"],
    ["redis://host/1/2", "is no database number"],
    ["redis+cluster://host/1", "database 0 only"],
    ["redis+sentinel://host", "name the master"],
    ["redis+sentinel://host/m/x", "is no database number"],
    ["redis://%zz:p@host", "%25"],
    ["redis://u:100%@host", "%25"],
    ["redis://host?prefix=", "prefix may hold"],
    ["redis://host?prefix={a}", "prefix may hold"],
    ["redis://host?prefix=a*", "prefix may hold"],
    ["redis://host?shards=0", "from 1 to 1024"],
    ["redis://host?shards=1025", "from 1 to 1024"],
    ["redis://host?shards=", "from 1 to 1024"],
    ["redis://host?shards=1e2", "from 1 to 1024"],
    ["redis://host?beside=true", "yes or no"],
    ["redis://host?prefx=a", 'unknown parameter "prefx"'],
  ])("not %s", (url, why) => {
    expect(() => parseRedisAddress(url)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(why) }),
    );
  });

  test("an error never shows the password", () => {
    expect(() => parseRedisAddress("redis://u:hidden%@host")).toThrow(/^(?!.*hidden)/);
    expect(() => parseRedisAddress("redis://u:hidden@host:x")).toThrow(/^(?!.*hidden)/);
    expect(() => parseRedisAddress("redis://u:hidden/1@host")).toThrow(/^(?!.*hidden)/);
  });
});
