/**
 * Asks outlive the gateway that asked: it is killed with SIGKILL, and it, or another replica, goes on with what people
 * decide by the buttons that stood there before.
 */
import { expect, test } from "vitest";
import { nameOf, type Room } from "./asks-rooms.ts";
import { ALL, CHANNELS, offered, STORES, Stage, shown, told } from "./asks-stage.ts";

const PLAN_FIRST = `access: { default: allow }
routes: [${CHANNELS.map((match) => `{ match: "${match}", agent: demo, planFirst: true }`).join(", ")}]`;
const DECIDED = new RegExp(`✅ Approved by ${nameOf(0)}, `);

for (const store of STORES) {
  test(`plans and permissions outlive kill -9 on ${store}, and old buttons decide, once`, async () => {
    const stage = await Stage.open({ platforms: ALL, store, lease: "1s", config: PLAN_FIRST });
    const planning = stage.rooms(1, 2);
    const working = stage.rooms(1, 2);
    await stage.start();
    for (const room of planning) room.say("a tidy workshop");
    await Promise.all(working.map(asksForPermission));
    for (const room of planning) await offered(room, "Approve");
    await stage.killAndReplace();

    await Promise.all([...planning.map(approvesPlan), ...working.map(allows)]);
    await stage.rest();
    const audit = await stage.audit();
    await stage.stop();

    for (const room of planning) {
      expectPosts(room, [
        expect.stringContaining("What I would do about a tidy workshop"),
        expect.stringMatching(DECIDED),
        expect.stringMatching(/^Carrying out the plan\.[\s\S]*Say how it went[\s\S]*Done\.$/),
      ]);
    }
    for (const room of working) {
      expectPosts(room, [
        expect.stringContaining("asks before it uses a tool"),
        expect.stringMatching(DECIDED),
        expect.stringContaining("The agent was restarted while it waited"),
        expect.stringContaining(`${nameOf(0)} allowed it this once`),
      ]);
    }
    for (const what of ["opened", "decided"]) {
      const entries = audit.filter((entry) => entry.what === what);
      expect(entries.map(({ channel }) => channel).sort(), what).toEqual(
        [...new Set(audit.map(({ channel }) => channel))].sort(),
      );
      expect(entries).toHaveLength(planning.length + working.length);
    }
    const decisions = audit.filter(({ what }) => what === "decided");
    expect(decisions).toEqual(
      decisions.map(() =>
        expect.objectContaining({
          by: expect.objectContaining({ name: nameOf(0) }),
          via: "button",
          verdict: { kind: "approved", scope: "once" },
        }),
      ),
    );
  }, 300_000);
}

async function asksForPermission(room: Room): Promise<void> {
  room.say("/mode ask");
  await shown(room, /asks before it uses a tool/);
  room.say("permission");
  await offered(room, "Allow once");
}

async function approvesPlan(room: Room): Promise<void> {
  const card = await offered(room, "Approve");
  expect(await told(room, card.press("Approve"))).toBe("✅ Approved.");
  await shown(room, /Done\./);
}

async function allows(room: Room): Promise<void> {
  await shown(room, /The agent was restarted while it waited/);
  const card = await offered(room, "Allow once");
  expect(await told(room, card.press("Allow once"))).toBe("✅ Approved.");
  await shown(room, /allowed it this once/);
}

/** These messages and no others, and nothing to press below them any more. */
function expectPosts(room: Room, texts: readonly unknown[]): void {
  const posts = room.posts().map(({ text, buttons }) => ({ text, buttons }));
  expect({ room: room.name, posts }).toEqual({ room: room.name, posts: texts.map((text) => ({ text, buttons: [] })) });
}
