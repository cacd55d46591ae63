/** What people see of an answer before it is whole, at each level. */
import { describe, expect, test } from "vitest";
import { DeliveryError } from "../../src/channel.ts";
import { LocalChannel } from "../support/local-channel.ts";
import { Stage } from "./stream-stage.ts";

describe("off", () => {
  test("shows nothing before the answer is whole", async () => {
    const stage = new Stage("off");
    stage.preview.begin();
    stage.preview.append("Half of an ");
    stage.tool("1", "Read file");
    stage.preview.todo([{ text: "Read", status: "open" }]);
    stage.preview.append("answer");
    await stage.pass(60_000, 5_000);
    expect(stage.calls).toEqual([]);
    expect(stage.clock.pending).toBe(0);
    expect(await stage.preview.end()).toBeUndefined();
    expect(stage.preview.text).toBe("Half of an answer");
    expect(stage.preview.shown).toBe("");
  });

  test("what an earlier attempt had shown is still the message to edit", async () => {
    const stage = new Stage("off", new LocalChannel(), { ref: "7" });
    expect(await stage.preview.end()).toBe("7");
  });
});

describe("compact", () => {
  test("one line with the tools, the time and what it does, and never the text", async () => {
    const stage = new Stage("compact");
    stage.preview.begin();
    await stage.pass(2_250);
    expect(stage.text).toBe("⚙ Working · 2 s");
    stage.tool("1", "Read README.md");
    await stage.pass(1_000);
    expect(stage.text).toBe("⚙ 1 tool · 3 s · Read README.md…");
    stage.tool("1", "Read README.md", "done");
    stage.tool("2", "npm test", "failed");
    await stage.pass(1_000);
    expect(stage.text).toBe("⚙ 2 tools, 1 failed · 4 s");
    stage.preview.append("The secret of the answer");
    await stage.pass(1_000);
    expect(stage.text).toBe("⚙ 2 tools, 1 failed · 5 s · writing…");
    expect(stage.everSeen.join()).not.toContain("secret");
    expect(stage.preview.shown).toBe("");
    expect(await stage.preview.end()).toBe("1");
    expect(stage.preview.text).toBe("The secret of the answer");
  });

  test("tells the time while nothing happens, less often when it takes long, and not at all when it is over", async () => {
    const stage = new Stage("compact");
    stage.preview.begin();
    stage.tool("1", "Build everything");
    await stage.pass(80_000, 500);
    expect(stage.text).toBe("⚙ 1 tool · 1 min 17 s · Build everything…");
    const gaps = () => stage.calls.slice(2).map(({ at }, index) => at - (stage.calls[index + 1]?.at ?? 0));
    expect(new Set(gaps())).toEqual(new Set([5_000]));
    await stage.pass(5 * 60_000, 500);
    const before = gaps().length;
    await stage.pass(50 * 60_000, 500);
    expect(stage.text).toMatch(/^⚙ 1 tool · 5\d min \d+ s · Build everything…$/);
    expect(new Set(gaps().slice(before))).toEqual(new Set([30_000]));
    await stage.preview.end();
    expect(stage.clock.pending).toBe(0);
    const { length } = stage.calls;
    await stage.pass(60_000, 5_000);
    expect(stage.calls).toHaveLength(length);
  });

  test("text that grows makes no edits of its own", async () => {
    const stage = new Stage("compact");
    for (let word = 0; word < 40; word++) {
      stage.preview.append("word ");
      await stage.pass(500);
    }
    // In 20 s: the placeholder, the line, and the time four times at most.
    expect(stage.calls.length).toBeLessThanOrEqual(6);
  });

  test("says that it waits for people, and tells no time meanwhile", async () => {
    const stage = new Stage("compact");
    stage.preview.begin();
    stage.tool("1", "Remove everything");
    await stage.pass(2_000);
    stage.isWaiting = true;
    await stage.pass(20_000);
    expect(stage.text).toBe("⚙ 1 tool · waiting for an answer");
    const { length } = stage.calls;
    await stage.pass(3_600_000, 5_000);
    expect(stage.calls).toHaveLength(length);
    stage.isWaiting = false;
    await stage.pass(30_000);
    expect(stage.text).toMatch(/^⚙ 1 tool · 1 h 0 min · Remove everything…$/);
  });
});

describe("full", () => {
  test("the text as it grows, below each tool with its outcome", async () => {
    const stage = new Stage("full");
    stage.preview.begin();
    await stage.pass(5_000);
    expect(stage.calls).toEqual([]);
    stage.tool("1", "Read file");
    stage.preview.append("I look");
    await stage.pass(2_000);
    expect(stage.text).toBe("… Read file\n\nI look");
    stage.tool("1", "Read file", "done");
    stage.tool("2", "Run tests");
    stage.tool("2", "Run tests", "failed");
    stage.tool("3", "Edit main.ts");
    stage.preview.append(" at it.");
    await stage.pass(1_000);
    expect(stage.text).toBe("✓ Read file\n✗ Run tests\n… Edit main.ts\n\nI look at it.");
    expect(stage.preview.shown).toBe("I look at it.");
    expect(stage.preview.text).toBe("I look at it.");
  });

  test("of many tools those that run and the latest, and how many more", async () => {
    const stage = new Stage("full");
    stage.tool("long", "Watch");
    for (let id = 1; id <= 100; id++) stage.tool(String(id), `Read ${id}`, "done");
    await stage.pass(2_000);
    const read = [96, 97, 98, 99, 100].map((id) => `✓ Read ${id}`);
    expect(stage.text).toBe(["… Watch", ...read, "_and 95 more_"].join("\n"));
  });

  test("its list of what is to be done, from where it stands", async () => {
    const stage = new Stage("full");
    stage.preview.append("Working on it.");
    stage.preview.todo([
      { text: "Look", status: "done" },
      { text: "Change *it*", status: "running" },
      { text: "Test", status: "open" },
    ]);
    await stage.pass(2_000);
    expect(stage.text).toBe("☑ Look\n▸ Change \\*it\\*\n☐ Test\n\nWorking on it.");
    stage.preview.todo(
      Array.from({ length: 20 }, (_, at) => ({ text: `Step ${at}`, status: at < 9 ? "done" : "open" })),
    );
    await stage.pass(1_000);
    const steps = [9, 10, 11, 12, 13].map((at) => `☐ Step ${at}`);
    expect(stage.text).toBe(["☑ _8 more_", "☑ Step 8", ...steps, "_and 6 more_", "", "Working on it."].join("\n"));
    stage.preview.todo([]);
    await stage.pass(1_000);
    expect(stage.text).toBe("Working on it.");
  });

  test("rests when the text has outgrown the message, but for its tools", async () => {
    const stage = new Stage("full", new LocalChannel({ maxTextLength: 100 }));
    stage.tool("1", "Read");
    stage.preview.append("x".repeat(300));
    await stage.pass(2_000);
    expect(stage.text).toBe(`… Read\n\n${"x".repeat(92)}`);
    expect(stage.preview.shown).toBe("x".repeat(92));
    const { length } = stage.calls;
    for (let more = 0; more < 10; more++) {
      stage.preview.append("x".repeat(100));
      expect(stage.clock.pending).toBe(0);
      await stage.pass(1_000);
    }
    expect(stage.calls).toHaveLength(length);
    stage.tool("1", "Read", "done");
    await stage.pass(1_000);
    expect(stage.text).toBe(`✓ Read\n\n${"x".repeat(92)}`);
    expect(stage.preview.text).toHaveLength(1_300);
  });

  test("leaves out lines of the tools before it leaves no room for the text", async () => {
    const stage = new Stage("full", new LocalChannel({ maxTextLength: 200 }));
    for (let id = 1; id <= 5; id++) stage.tool(String(id), `Read the file number ${id}`, "done");
    stage.preview.append("y".repeat(500));
    await stage.pass(2_000);
    expect(stage.text).toBe(`✓ Read the file number 5\n_and 4 more_\n\n${"y".repeat(161)}`);
  });

  test("nothing new, no timer and no edit", async () => {
    const stage = new Stage("full");
    stage.tool("1", "Read");
    await stage.pass(2_000);
    const { length } = stage.calls;
    for (let again = 0; again < 5; again++) {
      stage.tool("1", "Read");
      expect(stage.clock.pending).toBe(0);
      await stage.pass(1_000);
    }
    expect(stage.calls).toHaveLength(length);
  });
});

describe("the first message", () => {
  test("is a placeholder where a repeated send would show twice, and its reference is stored before any text is shown", async () => {
    const saved: (string | undefined)[] = [];
    const channel = new LocalChannel();
    const stage: Stage = new Stage("full", channel, { save: async () => void saved.push(stage.text) });
    stage.preview.append("The answer");
    await stage.pass(3_000);
    expect(saved).toEqual(["…"]);
    expect(stage.everSeen).toEqual(["…", "The answer"]);
  });

  test("is what there is to show where it would not", async () => {
    const stage = new Stage("compact", new LocalChannel({ repeatableSend: true }));
    stage.preview.begin();
    await stage.pass(1_000);
    expect(stage.everSeen).toEqual(["⚙ Working · 1 s"]);
  });

  test("waits for earlier replies", async () => {
    const stage = new Stage("full");
    stage.isClear = false;
    stage.preview.append("Later");
    await stage.pass(5_000);
    expect(stage.calls).toEqual([]);
    stage.isClear = true;
    await stage.pass(3_000);
    expect(stage.text).toBe("Later");
  });

  test("a reference that can't be stored is the turn's to know", async () => {
    const stage = new Stage("compact", new LocalChannel(), {
      save: async () => {
        throw new Error("the store is away");
      },
    });
    stage.preview.begin();
    await stage.pass(60_000, 5_000);
    expect(stage.everSeen).toEqual(["…"]);
    await expect(stage.preview.end()).rejects.toThrow("the store is away");
  });
});

describe("a platform that is", () => {
  test("unwilling is not asked again", async () => {
    const channel = new LocalChannel();
    channel.fault = () => {
      throw new DeliveryError("refused", "kicked");
    };
    const stage = new Stage("compact", channel);
    stage.preview.begin();
    await stage.pass(60_000, 1_000);
    stage.tool("1", "Read");
    await stage.pass(60_000, 1_000);
    expect(stage.calls).toHaveLength(1);
    expect(stage.clock.pending).toBe(0);
    expect(await stage.preview.end()).toBeUndefined();
  });

  test("impatient is given the time that it wants", async () => {
    const channel = new LocalChannel();
    let refusals = 1;
    channel.fault = (call) => {
      if (call === "edit" && refusals-- > 0) throw new DeliveryError("limited", "slow down", { retryAfter: 20_000 });
    };
    const stage = new Stage("full", channel);
    stage.preview.append("Text");
    await stage.pass(30_000);
    expect(stage.calls.map(({ at }) => at)).toEqual([1_000, 2_000, 22_000]);
    expect(stage.text).toBe("Text");
  });

  test("missing the message gets another one", async () => {
    const stage = new Stage("full");
    stage.preview.append("One");
    await stage.pass(2_000);
    stage.channel.shown.clear();
    stage.preview.append(" two");
    await stage.pass(10_000);
    expect(stage.text).toBe("One two");
  });
});
