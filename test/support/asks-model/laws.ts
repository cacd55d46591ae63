/** What must hold of asks, whatever happened: each law gives what breaks it. */
import type { AskOutcome } from "../../../src/agent.ts";
import type { Ask, AuditEntry } from "../../../src/model.ts";
import { partOf } from "./platform.ts";
import { isSame, mayDecide } from "./rules.ts";
import type { World } from "./world.ts";

/** Once nothing happens any more by itself. */
export async function visibleNow(world: World): Promise<string[]> {
  const broken: string[] = [];
  const { posts } = world.platform;
  const asks = await world.asks();
  const byId = new Map(asks.map((ask) => [ask.id, ask]));
  for (const ask of asks.filter(({ end }) => !end)) {
    const { running } = await world.store.queue(ask.channel);
    if (ask.turn !== undefined && running?.id !== ask.turn) broken.push(`${ask.id} is open, and its turn is over`);
    for (const part of openParts(ask)) {
      const shown = posts.some(({ actions }) => actions.some((action) => partOf(action) === part));
      if (!shown) broken.push(`${part} is open, and no message shows it`);
    }
    if (ask.shown.length === 0) broken.push(`${ask.id} is open, and the store knows no message that shows it`);
  }
  for (const { actions, showed, ref, text } of posts) {
    for (const action of actions) {
      const part = partOf(action);
      const ask = byId.get(part.split("/")[0] ?? "");
      if (!ask || !openParts(ask).includes(part))
        broken.push(`message ${ref} offers ${part}, which is settled: ${text}`);
    }
    for (const part of showed) {
      const ask = byId.get(part.split("/")[0] ?? "");
      if (ask?.end && !/[✅❌⌛↩]/u.test(text))
        broken.push(`message ${ref} does not say what became of ${part}: ${text}`);
    }
  }
  for (const ask of asks) {
    for (const part of allParts(ask)) {
      const cards = posts.filter((post) => post.showed.has(part));
      const again = world.events.filter((event) => event.type === "command" && event.command === "plan").length;
      const first = cards.filter(({ text }) => !text.startsWith("⏰")).length;
      if (first > 1 + again) broken.push(`${part} is shown ${first} times`);
      if (cards.length - first > ask.reminders) broken.push(`${part} has more reminders than it says`);
    }
  }
  return broken;
}

function allParts({ id, request }: Ask): string[] {
  return request.kind === "questions" ? request.questions.map((_, index) => `${id}/${index}`) : [id];
}

function openParts(ask: Ask): string[] {
  const { request, answers, end } = ask;
  if (end) return [];
  return allParts(ask).filter(
    (_, index) => request.kind !== "questions" || !answers[request.questions[index]?.id ?? ""],
  );
}

/** Each ask ends once, by somebody who may, and the audit log says the same. */
export async function decidedOnce(world: World): Promise<string[]> {
  const broken: string[] = [];
  const audit = await world.audit();
  for (const ask of await world.asks()) {
    const entries = audit.filter((entry) => entry.ask === ask.id);
    const say = (what: string) => broken.push(`${ask.id} (${ask.request.kind}): ${what}`);
    const ends = entries.filter(({ what }) => what !== "opened" && what !== "answered");
    const [end] = ends;
    if (entries.filter(({ what }) => what === "opened").length !== 1) say("it was not opened once");
    if (ends.length !== (ask.end ? 1 : 0)) say(`it ended ${ends.length} times`);
    if (end && ask.end && !agrees(ask, end))
      say(`the log says ${JSON.stringify(end)}, it says ${JSON.stringify(ask.end)}`);
    if (ask.end?.state === "expired" && world.options.settings.expireAfter === undefined) say("it expired");
    if (ask.end?.state === "withdrawn" && ask.end.reason === "") say("it was withdrawn for no reason");
    if (ask.end?.state === "decided") {
      const { by, via, verdict } = ask.end;
      if (via !== "api" && !mayDecide(ask, by.id)) say(`${by.id} decided it`);
      if (verdict.kind !== "answered" && !wasMeant(world, ask)) say(`nobody meant ${JSON.stringify(ask.end)}`);
    }
    for (const [question, { by, value }] of Object.entries(ask.answers)) {
      const told = entries.filter((entry) => entry.what === "answered" && entry.question === question);
      if (told.length !== 1 || told[0]?.value !== value || told[0]?.by?.id !== by.id)
        say(`${question} is not in the log once`);
      if (told[0]?.via !== "api" && !mayDecide(ask, by.id)) say(`${by.id} answered ${question}`);
    }
    const wins = world.events.filter(
      (event) => event.type === "ask" && event.ask === ask.id && event.what === "decided",
    );
    if (wins.length > 1) say(`${wins.length} were told that they decided it`);
    for (const made of world.tries.filter((each) => each.ask === ask.id && each.ok)) {
      if (!stands(ask, made))
        say(`who was told yes is not who decided: ${JSON.stringify([made, ask.end, ask.answers])}`);
    }
  }
  return broken;
}

function agrees({ end }: Ask, entry: AuditEntry): boolean {
  if (!end || entry.what !== end.state) return false;
  if (end.state !== "decided") return true;
  return (
    entry.by?.id === end.by.id && entry.via === end.via && JSON.stringify(entry.verdict) === JSON.stringify(end.verdict)
  );
}

/** Is what somebody was told to have decided what stands? */
function stands({ end, answers, request }: Ask, { by, via, choice, value }: World["tries"][number]): boolean {
  if (request.kind === "questions") {
    const index = /^[qt](\d+)(?:\.(\d+))?$/.exec(choice);
    const question = via === "api" ? choice : request.questions[Number(index?.[1])]?.id;
    const given = answers[question ?? ""];
    return given?.by.id === by && (value === undefined || given.value === value);
  }
  return end?.state === "decided" && end.by.id === by && end.verdict.kind === kindOf(choice);
}

function kindOf(choice: string): string {
  if (choice === "approved" || choice === "rejected") return choice;
  return choice === "no" || choice === "why" ? "rejected" : "approved";
}

/** Did whom it names do, on the surface that it names, what leads to this verdict? */
function wasMeant(world: World, ask: Ask): boolean {
  const { end, channel } = ask;
  if (end?.state !== "decided") return false;
  const { by, via, verdict } = end;
  if (via === "button" || via === "api") {
    return world.tries.some((made) => {
      const scope = verdict.kind === "approved" && made.via === "button" ? verdict.scope : undefined;
      const isScope = scope === undefined || (scope === "once" ? "yes" : scope) === made.choice;
      return (
        made.ask === ask.id && made.by === by.id && made.via === via && kindOf(made.choice) === verdict.kind && isScope
      );
    });
  }
  const said = [...world.said.values()].filter((event) => event.channel === channel && event.sender.id === by.id);
  return said.some(({ text }) => {
    if (via === "command") return text.startsWith(verdict.kind === "approved" ? "/approve" : "/reject");
    if (verdict.kind === "approved") return text === "yes" && verdict.scope === "once";
    return text === "no" || (verdict.kind === "rejected" && verdict.reason === text && ask.turn !== undefined);
  });
}

/** The agent gets what was decided, once in each attempt, and goes on with it. */
export async function handedOver(world: World): Promise<string[]> {
  const broken: string[] = [];
  const asks = await world.asks();
  for (const run of world.runs) {
    const say = (what: string) => broken.push(`${run.channel} ${run.turn.id}/${run.turn.attempt}: ${what}`);
    const its = asks.filter((ask) => ask.channel === run.channel && ask.turn === run.turn.id);
    const left = [...its];
    for (const { request, outcome } of run.calls) {
      if (outcome === undefined || isByRule(outcome)) continue;
      const index = left.findIndex((ask) => isSame(ask.request, request) && isOutcome(ask, outcome));
      if (index < 0) say(`it was told ${JSON.stringify(outcome)} of ${request.text}`);
      else left.splice(index, 1);
    }
    for (const { request, outcome } of run.turn.decided) {
      if (!its.some((ask) => isSame(ask.request, request) && isOutcome(ask, outcome)))
        say("it knows of what was not decided");
    }
    // An earlier one may have been done too, and died before that was stored.
    const last = world.runs.findLast(({ channel, turn }) => channel === run.channel && turn.id === run.turn.id);
    if (run.end !== "done" || run !== last) continue;
    const senders = run.turn.messages.map(({ sender }) => sender.id);
    for (const { id, requester } of its) if (!senders.includes(requester.id)) say(`${id} is ${requester.id}'s`);
    for (const ask of its.filter(({ end }) => end?.state === "decided")) {
      const known = run.turn.decided.filter((each) => isSame(each.request, ask.request)).length;
      const asked = run.calls.filter((each) => isSame(each.request, ask.request)).length;
      if (known + asked === 0) say(`it ended without ${ask.id}, which was decided`);
    }
  }
  return broken;
}

function isByRule(outcome: AskOutcome): boolean {
  return "by" in outcome && outcome.by.id === "gateway:rules";
}

function isOutcome({ end, answers }: Ask, outcome: AskOutcome): boolean {
  if (end?.state !== "decided") return outcome.kind === "closed" && end !== undefined;
  const { verdict, by } = end;
  if (outcome.kind === "answered") {
    const values = Object.fromEntries(Object.entries(answers).map(([id, { value }]) => [id, value]));
    return verdict.kind === "answered" && JSON.stringify(values) === JSON.stringify(outcome.answers);
  }
  if (outcome.kind === "approved")
    return verdict.kind === "approved" && verdict.scope === outcome.scope && by.id === outcome.by.id;
  return outcome.kind === "rejected" && verdict.kind === "rejected" && by.id === outcome.by.id;
}
