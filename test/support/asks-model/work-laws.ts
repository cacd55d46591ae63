/** What must hold of plans, grants and messages. */
import type { Ask, GrantScope } from "../../../src/model.ts";
import type { Call, Run } from "./agent.ts";
import { isSame, PROMPTS } from "./rules.ts";
import { isAway, type World } from "./world.ts";

/** An approved plan is carried out once, with all that belongs to it; no other plan is. */
export async function carriedOut(world: World): Promise<string[]> {
  const broken: string[] = [];
  const plans = (await world.asks()).filter((ask) => ask.request.kind === "plan" && ask.turn === undefined);
  for (const plan of plans) {
    const say = (what: string) => broken.push(`the plan ${plan.id} (${plan.channel}, ${plan.request.text}): ${what}`);
    const its = world.runs.filter((run) => run.channel === plan.channel && run.turn.plan === plan.request.text);
    const work = its.filter(({ turn }) => turn.phase === "work");
    const isApproved = plan.end?.state === "decided" && plan.end.verdict.kind === "approved";
    const receipt = (await world.store.receipt(plan.channel, `plan:${plan.id}`))?.receipt;
    if (!isApproved && (work.length > 0 || receipt)) say(`it was carried out, and is ${JSON.stringify(plan.end)}`);
    if (isApproved && !receipt) say("it was approved, and nothing came of it");
    if (receipt && (receipt.state === "queued" || receipt.state === "running")) say(`it is ${receipt.state} still`);
    const turns = new Set(work.map(({ turn }) => turn.id));
    if (turns.size > 1) say(`it was carried out in ${[...turns].join()}`);
    if (receipt?.state === "answered" && turns.size !== 1) say("its work was answered, and no agent did it");
    for (const run of work) if (!isContext(plan, run)) say("what was carried out is not what was approved");
    for (const run of its.filter(({ turn }) => turn.phase === "plan")) {
      if (plan.end?.state !== "withdrawn") say(`${run.turn.id} revises it, and it is ${JSON.stringify(plan.end)}`);
    }
  }
  for (const { turn, channel, agent } of world.runs) {
    const prompts = PROMPTS[channel] ?? {};
    const wanted = turn.phase === "plan" ? prompts.plan : prompts.work;
    if (turn.systemPrompt !== wanted)
      broken.push(`${channel} ${turn.id}: a ${turn.phase} was told ${turn.systemPrompt}`);
    const isArchitect = channel === "local:c" && turn.phase === "plan";
    if ((agent === "architect") !== isArchitect) broken.push(`${channel} ${turn.id}: a ${turn.phase} by ${agent}`);
  }
  return broken;
}

function isContext({ context }: Ask, { turn }: Run): boolean {
  return JSON.stringify(context?.messages) === JSON.stringify(turn.messages);
}

/** What was allowed for longer is not asked again, and nothing is allowed unasked that was not. */
export async function grantsHold(world: World): Promise<string[]> {
  const broken: string[] = [];
  const asks = await world.asks();
  for (const { calls, channel, turn } of world.runs) {
    for (const call of calls) {
      const { request, outcome } = call;
      if (request.kind !== "permission" || outcome === undefined) continue;
      const isByRule = "by" in outcome && outcome.by.id === "gateway:rules";
      const isKnown = turn.decided.some((each) => isSame(each.request, request));
      if (!isByRule && !isKnown && isGranted(world, channel, call)) {
        broken.push(`${channel} ${turn.id}: ${request.text} was allowed before, and asked again`);
      }
      const isAllowed = asks.some(
        (ask) => ask.channel === channel && isSame(ask.request, request) && isLasting(scopeOf(ask)),
      );
      if (isByRule && outcome.kind === "approved" && request.edits !== true && !isAllowed) {
        broken.push(`${channel} ${turn.id}: ${request.text} was allowed, and by nobody`);
      }
    }
  }
  return broken;
}

/** Was an agent of the channel told before that it may do this from now on, and nobody took it back? */
function isGranted(world: World, channel: string, { request, at }: Call): boolean {
  const said = [...world.said.values()].filter((event) => event.channel === channel);
  if (said.some(({ text }) => text.startsWith("/rules"))) return false;
  const isRenewed = said.some(({ text }) => text === "/new");
  return world.runs
    .filter((run) => run.channel === channel)
    .flatMap(({ calls }) => calls)
    .filter((call) => isSame(call.request, request) && (call.overAt ?? Number.POSITIVE_INFINITY) < at)
    .some(({ outcome }) => {
      if (outcome?.kind !== "approved") return false;
      return outcome.scope === "always" || (outcome.scope === "session" && !isRenewed);
    });
}

function scopeOf({ end }: Ask): GrantScope | undefined {
  return end?.state === "decided" && end.verdict.kind === "approved" ? end.verdict.scope : undefined;
}

function isLasting(scope: GrantScope | undefined): boolean {
  return scope === "session" || scope === "always";
}

/** Nothing is lost, nothing is answered twice, and nothing is left over. */
export async function nothingLost(world: World): Promise<string[]> {
  const broken: string[] = [];
  for (const { id, channel, text } of world.said.values()) {
    const receipt = (await world.store.receipt(channel, id))?.receipt;
    const say = (what: string) => broken.push(`${id} (${channel}, ${text}): ${what}`);
    if (!receipt) say("it has no receipt");
    else if (receipt.state === "queued" || receipt.state === "running") say(`it is ${receipt.state} still`);
    const runs = world.runs.filter((run) => run.channel === channel && newest(run) === id);
    const turns = new Set(runs.map(({ turn }) => turn.id));
    if (turns.size > 1) say(`it was run in ${[...turns].join()}`);
  }
  broken.push(...(await consumed(world)), ...(await stopped(world)));
  for (const key of new Set(world.runs.map(({ channel, turn }) => `of ${channel} ${turn.id}.`))) {
    const shown = world.platform.posts.filter(
      ({ text }) => text.endsWith(`answer ${key}`) || text.endsWith(`plan ${key}`),
    );
    const cards = shown.filter(({ showed, text }) => showed.size === 0 && !text.startsWith("Which one"));
    const again = world.events.filter((event) => event.type === "command" && event.command === "plan").length;
    if (cards.length > 1 + again) broken.push(`what was said ${key} is shown ${cards.length} times`);
  }
  const stats = await world.store.stats();
  if (stats.undelivered + stats.queued + stats.inFlight > 0) broken.push(`there is left over ${JSON.stringify(stats)}`);
  if ((await world.open()).length > 0) broken.push("asks are open still");
  for (const event of world.events) {
    // Of time that jumps, agents who let go at once know nothing; and whoever is stopped while the store is away says so.
    if (event.type === "fault" && event.doing !== "end an agent" && !isAway(event.error))
      broken.push(`${event.doing}: ${event.error}`);
  }
  return broken;
}

/** The message that a run is about; none where it carries out a plan, whose messages were run before. */
function newest({ turn }: Run): string | undefined {
  return turn.phase === "work" && turn.plan !== undefined ? undefined : turn.messages.at(-1)?.id;
}

/** Words to a person that tell what became of a message which was no answer. */
const TOLD = /Which question|Please choose|wait for a decision|Too late|Already answered|Not yours/;

/** A message that no agent saw was an answer, or its sender was told why it was none. */
async function consumed(world: World): Promise<string[]> {
  const broken: string[] = [];
  const audit = await world.audit();
  for (const { id, channel, text, sender } of world.said.values()) {
    const receipt = (await world.store.receipt(channel, id))?.receipt;
    if (text.startsWith("/") || receipt?.state !== "answered") continue;
    if (world.runs.some((run) => run.channel === channel && newest(run) === id)) continue;
    const isAnswer = audit.some(
      (entry) => entry.channel === channel && entry.via === "message" && entry.by?.id === sender.id,
    );
    const isTold = world.platform.posts.some((post) => post.channel === channel && TOLD.test(post.text));
    if (!isAnswer && !isTold) broken.push(`${id} (${channel}, ${text}) is answered, and nobody saw it`);
  }
  return broken;
}

/** What was said before `/stop` or `/new` is not worked on after it. */
async function stopped(world: World): Promise<string[]> {
  const broken: string[] = [];
  const plans = (await world.asks()).filter(({ request, turn }) => request.kind === "plan" && turn === undefined);
  const stops = [...world.said.values()].filter(({ text }) => text === "/stop" || text === "/new");
  for (const [run, at] of world.finished) {
    const plan = plans.find(({ channel, request }) => channel === run.channel && request.text === run.turn.plan);
    const id = newest(run) ?? plan?.id ?? "";
    const before = world.taken.get(id)?.to ?? world.tries.find(({ ask, ok }) => ask === id && ok)?.at;
    if (run.end !== "done" || run.turn.signal.aborted || before === undefined) continue;
    for (const stop of stops.filter(({ channel }) => channel === run.channel)) {
      const { from = 0, to = Number.POSITIVE_INFINITY } = world.taken.get(stop.id) ?? {};
      if (before < from && to < at) broken.push(`${id} (${run.channel}) was answered after ${stop.text} (${stop.id})`);
    }
  }
  return broken;
}
