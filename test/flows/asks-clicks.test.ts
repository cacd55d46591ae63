/** Who may decide, who was first, and what everybody else is told: on every platform, over two replicas where the store allows it. */
import { setImmediate as tick } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Click, nameOf, type Room } from "./asks-rooms.ts";
import { ALL, offered, STORES, Stage, shown, told } from "./asks-stage.ts";

const CROWD = 50;

for (const store of STORES) {
  test(`on ${store}, ${CROWD} racing clicks decide once, and who may not decide does not`, async () => {
    // Discord tells nobody of a click twice: no replica may be taken for dead because the machine is slow.
    const config = "access: { default: allow, approvers: { permission: members, plan: requester } }";
    const stage = await Stage.open({ platforms: ALL, store, lease: "10s", config });
    const crowded = stage.rooms(1, CROWD);
    const quiet = stage.rooms(1, 2);
    await stage.start(stage.replicas.length);
    for (const room of crowded) room.say("permission");
    for (const room of quiet) room.say("plan a trip");

    await Promise.all(quiet.map(decidesAlone));
    const verdicts = await race(stage, crowded);
    await stage.rest();
    const audit = await stage.audit();
    await stage.stop();

    for (const [i, room] of crowded.entries()) {
      const { by, verb } = verdicts[i] ?? { by: "", verb: "" };
      const posts = room.posts().map(({ text, buttons }) => ({ text, buttons }));
      expect({ room: room.name, posts }).toEqual({
        room: room.name,
        posts: [
          { text: expect.stringMatching(new RegExp(`May it do this[\\s\\S]*${verb} by ${by}, `)), buttons: [] },
          { text: expect.stringMatching(new RegExp(`^${by} (allowed it|did not allow it)`)), buttons: [] },
        ],
      });
    }
    for (const what of ["opened", "decided"]) {
      const channels = audit.filter((entry) => entry.what === what).map(({ channel }) => channel);
      expect(channels, what).toHaveLength(crowded.length + quiet.length);
      expect(new Set(channels).size, what).toBe(crowded.length + quiet.length);
    }
    console.log(
      `${store}, ${stage.replicas.length} replicas: ${CROWD} clicks on each of ${crowded.length} cards, ` +
        `decided by ${verdicts.map(({ by, verb }) => `${verb} ${by}`).join(", ")}`,
    );
  }, 300_000);
}

function labelOf(person: number): string {
  return person % 4 < 2 ? "Allow once" : "Reject";
}

/** Everybody presses at once, one half this and the other half that; all but one are told who decided. */
async function race(stage: Stage, rooms: readonly Room[]): Promise<{ by: string; verb: string }[]> {
  const cards = await Promise.all(rooms.map((room) => offered(room, "Allow once")));
  const people = Array.from({ length: CROWD }, (_, person) => person).sort(() => Math.random() - 0.5);
  const clicks = rooms.map(() => new Map<number, Click>());
  for (const [number, { url }] of stage.replicas.entries()) {
    for (const platform of stage.platforms) platform.reach(url);
    for (const person of people.filter((person) => person % stage.replicas.length === number)) {
      for (const [i, card] of cards.entries()) clicks[i]?.set(person, card.press(labelOf(person), person));
    }
    // What a platform sends to an address of ours goes out in the next turn of the event loop.
    await tick();
    await tick();
  }
  return await Promise.all(
    rooms.map(async (room, i) => {
      const byPerson = [...(clicks[i] ?? [])].sort(([a], [b]) => a - b);
      const texts = await Promise.all(byPerson.map(([, click]) => told(room, click)));
      const first = texts.findIndex((text) => !text.startsWith("Too late."));
      const verb = labelOf(first) === "Reject" ? "❌ Rejected" : "✅ Approved";
      const late = new RegExp(`^Too late\\. ${verb} by ${nameOf(first)}, \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC$`);
      expect({ room: room.name, texts }).toEqual({
        room: room.name,
        texts: texts.map((_, person) => (person === first ? `${verb}.` : expect.stringMatching(late))),
      });
      return { by: nameOf(first), verb };
    }),
  );
}

async function decidesAlone(room: Room): Promise<void> {
  const card = await offered(room, "Approve");
  for (const label of card.buttons.filter((label) => !label.endsWith("reason"))) {
    expect(await told(room, card.press(label, 1))).toBe(`Not yours to decide: this is for ${nameOf(0)}.`);
  }
  expect((await offered(room, "Approve")).text).toBe(card.text);
  expect(await told(room, card.press("Approve"))).toBe("✅ Approved.");
  await shown(room, /Approved by/);
  const late = new RegExp(`^Too late\\. ✅ Approved by ${nameOf(0)}, \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC$`);
  for (const person of [0, 1]) expect(await told(room, card.press("Reject", person))).toMatch(late);
  await shown(room, /Done\./);
}
