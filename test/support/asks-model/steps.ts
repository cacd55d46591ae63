/** What may happen, in any order. */
import fc from "fast-check";
import { SwitchboardError } from "../../../src/errors.ts";
import { type AskRequest, type ChannelId, channelId, type Sender } from "../../../src/model.ts";
import type { Decision } from "../../../src/operations.ts";
import type { Run } from "./agent.ts";
import { watch } from "./reminders.ts";
import { ANN, mayDecide, PEOPLE, REQUESTS } from "./rules.ts";
import { CHATS, type Chat, isAway, type Try, type World } from "./world.ts";

type Forgery = "no" | "mac" | "choice" | "other ask" | "other chat";

export type Deed =
  | { do: "say"; chat: Chat; who: Sender; text: string; reply: number | undefined; from: number }
  | { do: "press"; who: Sender; pick: number; isOld: boolean; forgery: Forgery; from: number }
  | { do: "decide"; pick: number; how: number; from: number }
  | { do: "repeat"; pick: number; from: number }
  | { do: "crash"; replica: number };

export type Step = (
  | Deed
  | { do: "ask"; chat: Chat; what: number }
  | { do: "stream"; chat: Chat }
  | { do: "done"; chat: Chat; isCareless: boolean }
  | { do: "fail"; chat: Chat; retryable: boolean }
  | { do: "pass"; minutes: number }
  | { do: "jump"; ms: number }
  | { do: "flaky"; times: number; after: boolean }
  | { do: "away"; times: number }
  | { do: "start"; replica: number }
  | { do: "stop"; replica: number }
  | { do: "race"; deeds: readonly Deed[] }
) & { isCalm: boolean };

const MINUTE = 60_000;
const WORDS = ["yes", "no", "red", "Blue", "2", "something else", "make it shorter", "in TypeScript", "tidy up"];
const COMMANDS = [
  ...["/approve", "/approve", "/approve session", "/approve always", "/approve 1", "/reject", "/reject too risky"],
  ...["/answer red", "/answer 1 Ada", "/stop", "/stop turn", "/new", "/plan", "/plan tidy up", "/mode plan"],
  ...["/mode ask", "/mode accept-edits", "/rules revoke 1", "/status"],
];
const FORGERIES: readonly Forgery[] = ["no", "no", "no", "no", "mac", "choice", "other ask", "other chat"];

const chat = fc.constantFrom(...CHATS);
const who = fc.constantFrom(...PEOPLE);
const pick = fc.nat(99);
const from = fc.nat(2);
const replica = fc.nat(2);
const reply = fc.option(fc.nat(99), { nil: undefined, freq: 4 });

function verb<const Name extends string>(name: Name) {
  return fc.constant(name);
}

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: verb("say"), chat, who, text: fc.constantFrom(...WORDS), reply, from }) },
  { weight: 5, arbitrary: fc.record({ do: verb("say"), chat, who, text: fc.constantFrom(...COMMANDS), reply, from }) },
  {
    weight: 8,
    arbitrary: fc.record({
      ...{ do: verb("press"), who, pick, from },
      isOld: fc.nat(5).map((n) => n === 0),
      forgery: fc.constantFrom(...FORGERIES),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: verb("decide"), pick, how: pick, from }) },
  { weight: 1, arbitrary: fc.record({ do: verb("repeat"), pick, from }) },
  { weight: 1, arbitrary: fc.record({ do: verb("crash"), replica }) },
);

const isCalm = fc.nat(3).map((n) => n !== 0);

export const step: fc.Arbitrary<Step> = fc
  .tuple(
    isCalm,
    fc.oneof(
      { weight: 20, arbitrary: deed },
      { weight: 12, arbitrary: fc.record({ do: verb("ask"), chat, what: pick }) },
      { weight: 2, arbitrary: fc.record({ do: verb("stream"), chat }) },
      { weight: 6, arbitrary: fc.record({ do: verb("done"), chat, isCareless: fc.nat(5).map((n) => n === 0) }) },
      { weight: 3, arbitrary: fc.record({ do: verb("fail"), chat, retryable: fc.nat(3).map((n) => n !== 0) }) },
      { weight: 3, arbitrary: fc.record({ do: verb("pass"), minutes: fc.integer({ min: 1, max: 12 }) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: verb("jump"), ms: fc.constantFrom(-2 * MINUTE, -5_000, 40 * MINUTE, 300 * MINUTE) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: verb("flaky"), times: fc.integer({ min: 1, max: 4 }), after: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ do: verb("away"), times: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 3, arbitrary: fc.record({ do: verb("start"), replica }) },
      { weight: 2, arbitrary: fc.record({ do: verb("stop"), replica }) },
      { weight: 6, arbitrary: fc.record({ do: verb("race"), deeds: fc.array(deed, { minLength: 2, maxLength: 5 }) }) },
    ),
  )
  .map(([calm, what]) => ({ ...what, isCalm: calm }));

export async function take(world: World, step: Step): Promise<void> {
  await perform(world, step);
  if (world.up.length === 0) await world.start(0);
  if (step.isCalm) {
    await world.quiet();
    await slotsFree(world);
  }
  await watch(world);
}

/** Who waits for people takes no run slot. Told only of a store that was never away: a request that is yet to be stored keeps its slot. */
async function slotsFree(world: World): Promise<void> {
  if (world.wasAway) return;
  for (const { gateway, agents } of world.up) {
    const { running } = await gateway.operations.stats();
    const live = world.runs.filter((run) => run.process === agents && run.isLive);
    const atWork = live.filter((run) => !run.isWaiting || run.calls.some(({ isOver }) => isOver)).length;
    if (running > atWork) world.broken.push(`${running} slots are taken, and ${atWork} agents work`);
  }
}

async function perform(world: World, step: Step): Promise<void> {
  const { replicas } = world.options;
  switch (step.do) {
    case "ask": {
      const request = REQUESTS[step.what % REQUESTS.length];
      if (world.live(step.chat) === undefined) await begin(world, step.chat);
      if (request) world.live(step.chat)?.ask(request);
      break;
    }
    case "stream":
      world.live(step.chat)?.push({ type: "text", delta: "so far " });
      break;
    case "done": {
      const run = world.live(step.chat);
      if (run && (step.isCareless || !run.isWaiting)) finish(world, run);
      break;
    }
    case "fail":
      world
        .live(step.chat)
        ?.push({ type: "failed", failure: { code: "SCRIPTED", message: "no luck", retryable: step.retryable } });
      break;
    case "pass":
      for (let minute = 0; minute < step.minutes; minute += 1) {
        world.clock.advance(MINUTE);
        await world.moment();
        await watch(world);
      }
      break;
    case "jump":
      world.clock.advance(step.ms);
      break;
    case "flaky":
      world.platform.flaky = { times: step.times, after: step.after };
      break;
    case "away":
      world.away = step.times;
      world.wasAway = true;
      break;
    case "start":
      await world.start(step.replica % replicas);
      break;
    case "stop":
      await world.stop(step.replica % replicas);
      break;
    case "race":
      await Promise.all(step.deeds.map((each) => act(world, each)));
      break;
    default:
      await act(world, step);
  }
}

/** Gives the agent something to do. */
async function begin(world: World, chat: Chat): Promise<void> {
  await world.say(0, { channel: channelId("local", chat), sender: ANN, text: "do this" });
  await world.quiet();
}

/** The agent has said all that it has to say. */
export function finish(world: World, run: Run): void {
  const { turn, channel } = run;
  world.finished.set(run, world.tick());
  const what = turn.phase === "plan" ? "plan" : "answer";
  run.push({ type: "text", delta: `${what} of ${channel} ${turn.id}.` });
  run.push({ type: "done", state: { last: turn.id } });
}

async function act(world: World, deed: Deed): Promise<void> {
  switch (deed.do) {
    case "say": {
      const channel = channelId("local", deed.chat);
      const posts = world.platform.posts.filter((post) => post.channel === channel && post.showed.size > 0);
      const answers = deed.reply === undefined ? undefined : posts[deed.reply % Math.max(posts.length, 1)]?.ref;
      const { who: sender, text } = deed;
      await world.say(deed.from, { channel, sender, text, ...(answers === undefined ? {} : { answers }) });
      break;
    }
    case "press":
      await press(world, deed);
      break;
    case "decide":
      await decide(world, deed);
      break;
    case "repeat":
      await world.repeat(deed.from, deed.pick);
      break;
    case "crash":
      await world.crash(deed.replica % world.options.replicas);
      break;
  }
}

async function press(
  world: World,
  { who: sender, pick: nth, isOld, forgery, from }: Deed & { do: "press" },
): Promise<void> {
  const { platform, tries } = world;
  const buttons = isOld ? platform.buttons : platform.shown();
  const button = buttons[nth % Math.max(buttons.length, 1)];
  const [life] = world.up;
  if (!button || !life) return;
  const { channel, action } = button;
  const [id = "", choice = ""] = action.data.split(":");
  const value = action.kind === "button" ? undefined : action.kind === "form" ? "so and so" : action.choices[0]?.value;
  const data = forged(world, action.data, forgery, nth);
  const where: ChannelId = forgery === "other chat" ? otherThan(channel) : channel;
  const made: Try = { ask: id, by: sender.id, via: "button", choice, value, ok: undefined, at: 0 };
  const isGenuine = data === action.data && where === channel;
  if (isGenuine) tries.push(made);
  const ask = await life.store.ask(id).catch(() => undefined);
  const told = await world.press(from, { channel: where, sender, data, ...(value === undefined ? {} : { value }) });
  if (!told) return;
  made.ok = told.ok;
  made.at = world.tick();
  if (told.ok && !isGenuine) world.broken.push(`a forged button was taken: ${forgery}`);
  if (told.ok && ask && !mayDecide(ask, sender.id)) world.broken.push(`${sender.id} was let decide ${id}`);
}

function forged({ platform }: World, data: string, forgery: Forgery, nth: number): string {
  const [id = "", choice = "", mac = ""] = data.split(":");
  switch (forgery) {
    case "mac":
      return `${id}:${choice}:${mac.slice(0, -1)}${mac.endsWith("A") ? "B" : "A"}`;
    case "choice":
      return `${id}:${choice === "no" ? "yes" : "no"}:${mac}`;
    case "other ask": {
      const others = platform.buttons.filter(({ action }) => !action.data.startsWith(`${id}:`));
      const other = others[nth % Math.max(others.length, 1)]?.action.data.split(":")[0];
      return other === undefined ? `${data}A` : `${other}:${choice}:${mac}`;
    }
    default:
      return data;
  }
}

function otherThan(channel: ChannelId): ChannelId {
  return channel === "local:a" ? "local:b" : "local:a";
}

const CLOSED = ["ASK_CLOSED", "ASK_UNKNOWN", "SESSION_ENDED"];

async function decide(world: World, { pick: nth, how, from }: Deed & { do: "decide" }): Promise<void> {
  const { platform, tries } = world;
  const ids = [...new Set(platform.buttons.map(({ action }) => action.data.split(":")[0] ?? ""))];
  const id = ids[ids.length - 1 - (nth % Math.max(ids.length, 1))];
  const life = world.up[from % Math.max(world.up.length, 1)];
  if (id === undefined || !life) return;
  const ask = await life.store.ask(id).catch(() => undefined);
  if (!ask) return;
  const decision = decisionOn(ask.request, how);
  const choice = "verdict" in decision ? decision.verdict.kind : `${decision.question}`;
  const value = "verdict" in decision ? undefined : decision.value;
  const made: Try = { ask: id, by: "operator:op", via: "api", choice, value, ok: undefined, at: 0 };
  tries.push(made);
  try {
    await life.gateway.operations.decide(id, decision, "op");
    made.ok = true;
    made.at = world.tick();
  } catch (error) {
    if (isAway(error)) return;
    if (!(error instanceof SwitchboardError) || !CLOSED.includes(error.code)) throw error;
    made.ok = false;
    const now = await world.store.ask(id).catch(() => ask);
    const isAnswered = "question" in decision && now?.answers[decision.question ?? ""] !== undefined;
    if (now && !now.end && !isAnswered) world.broken.push(`${id} is open, and an operator was told ${error.code}`);
  }
}

function decisionOn(request: AskRequest, how: number): Decision {
  if (request.kind === "questions") {
    const asked = request.questions[how % request.questions.length];
    return { question: asked?.id ?? "", value: asked?.choices?.[how % 2]?.id ?? "by an operator" };
  }
  if (how % 3 === 0) return { verdict: { kind: "rejected", reason: "no" } };
  return { verdict: { kind: "approved", scope: request.kind === "permission" && how % 3 === 1 ? "session" : "once" } };
}
