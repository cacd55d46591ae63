/**
 * Gateways are killed with SIGKILL at random instants while they ask, are answered, and carry out: every ask is decided
 * once and carried out once, and whatever message showed it shows the decision. `SOAK=1` makes it longer.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { nameOf, type Room } from "./asks-rooms.ts";
import { eventually, offered, STORES, Stage } from "./asks-stage.ts";

const CHATS = 4;
const { asks: ASKS, kills: KILLS } = process.env.SOAK === undefined ? { asks: 8, kills: 4 } : { asks: 120, kills: 40 };
/** Of asks in each chat. */
const ROUNDS = ASKS / CHATS;
const CONFIG = `access: { default: allow }
# A turn may well be hit by several kills: that must not look like one that kills its agent.
queue: { attempts: 50 }`;

for (const store of STORES) {
  test(`on ${store}: ${ASKS} asks in ${CHATS} chats, ${KILLS} times kill -9`, async () => {
    const stage = await Stage.open({ platforms: ["telegram"], store, lease: "1s", config: CONFIG });
    const rooms = stage.rooms(CHATS, 1);
    await stage.start(stage.replicas.length);
    const begun = performance.now();
    const gate = new Gate(rooms.length);
    const talk = Promise.all(rooms.map((room, i) => converse(room, gate, i % 2 === 1))).catch((error: unknown) => {
      gate.over = true;
      throw error;
    });
    // Whatever fails, nobody starts another gateway after the test.
    for (const part of await Promise.allSettled([talk, killAgainAndAgain(stage, gate)])) {
      if (part.status === "rejected") throw part.reason;
    }
    await stage.rest();
    const audit = await stage.audit();
    await stage.stop();

    for (const room of rooms) expectOnce(room);
    for (const what of ["opened", "decided"]) {
      const asks = audit.filter((entry) => entry.what === what).map(({ ask }) => ask);
      expect(asks, what).toHaveLength(ASKS);
      expect(new Set(asks).size, what).toBe(ASKS);
    }
    const notes = rooms.flatMap((room) => room.posts()).filter(({ text }) => text.startsWith("↻")).length;
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(
      `${store}: ${ASKS} asks in ${CHATS} chats, ${KILLS} times kill -9, each decided and carried out once ` +
        `in ${seconds} s; ${notes} times the agent had to be started again`,
    );
  }, 600_000);
}

/** Brings together who asks and who kills: the kills are spread over all rounds of asks, and each finds a round begun. */
class Gate {
  readonly #chats: number;
  #begun = 0;
  kills = 0;
  /** A conversation has failed. */
  over = false;

  constructor(chats: number) {
    this.#chats = chats;
  }

  /** Before a chat's ask of this round. */
  async begin(round: number): Promise<void> {
    await eventually(
      () => this.kills >= Math.floor((round * KILLS) / ROUNDS),
      () => `round ${round} begins`,
    );
    this.#begun++;
  }

  /** After this round's first kill. */
  async killed(round: number): Promise<void> {
    await eventually(
      () => this.kills > Math.floor((round * KILLS) / ROUNDS),
      () => `a gateway is killed in round ${round}`,
    );
  }

  /** Before the next kill. */
  async underWay(): Promise<void> {
    const round = Math.floor((this.kills * ROUNDS) / KILLS);
    await eventually(
      () => this.over || this.#begun >= (round + 1) * this.#chats,
      () => `round ${round} is under way`,
    );
  }
}

async function killAgainAndAgain(stage: Stage, gate: Gate): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await gate.underWay();
    if (gate.over) return;
    await pause(Math.random() * 1_500);
    const victim = stage.replicas[kill % stage.replicas.length];
    await victim?.kill();
    // Sometimes long enough for another one to take over what it had.
    await pause(Math.random() * (stage.replicas.length > 1 ? 2_000 : 300));
    await victim?.start();
    gate.kills++;
  }
}

/**
 * One ask after the other: a permission, then a plan, and so on; each is decided by a click, some by two. Who is patient
 * lets a gateway be killed first.
 */
async function converse(room: Room, gate: Gate, patient: boolean): Promise<void> {
  for (let number = 0; number < ROUNDS; number++) {
    await gate.begin(number);
    const isPlan = number % 2 === 1;
    const label = isPlan ? "Approve" : "Allow once";
    room.say(isPlan ? `/plan trip ${number}` : "permission");
    const card = await offered(room, label);
    if (patient) await gate.killed(number);
    await pause(Math.random() * 1_000);
    card.press(label);
    if (Math.random() < 0.5) card.press(label);
    const done = isPlan ? PLAN_DONE : PERMISSION_DONE;
    await eventually(
      () => countOf(room, done) > Math.floor(number / 2),
      () => `${room.name} goes on after ${label}; it shows ${JSON.stringify(room.posts())}`,
    );
  }
}

const PLAN_DONE = /^Carrying out the plan\.[\s\S]*Done\.$/;
const PERMISSION_DONE = /allowed it this once/;
const DECIDED = new RegExp(`✅ Approved by ${nameOf(0)}, `);
/** Of what may be seen more than once, or stay behind a crash. */
const ASIDE = /^(↻ The agent was restarted|…$)/;

function countOf(room: Room, pattern: RegExp): number {
  return room.posts().filter(({ text }) => pattern.test(text)).length;
}

/** For each ask its card with the decision, and what came of it; the plan above the card. */
function expectOnce(room: Room): void {
  const posts = room.posts().filter(({ text }) => !ASIDE.test(text));
  const shown = posts.map(({ text, buttons }) => ({ text, buttons }));
  const permission = [expect.stringMatching(DECIDED), expect.stringMatching(PERMISSION_DONE)];
  const plan = (number: number) => [
    expect.stringContaining(`What I would do about trip ${number}`),
    expect.stringMatching(DECIDED),
    expect.stringMatching(PLAN_DONE),
  ];
  const texts = Array.from({ length: ROUNDS }, (_, number) => (number % 2 === 1 ? plan(number) : permission)).flat();
  expect({ room: room.name, shown }).toEqual({
    room: room.name,
    shown: texts.map((text) => ({ text, buttons: [] })),
  });
}
