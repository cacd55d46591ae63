/** A newcomer's first minute with what an agent can ask: the built gateway, the demo agent, a real browser. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { cardOf } from "./asks-stage.ts";
import { launchBrowser, Stage } from "./stage.ts";

let browser: Browser;
let stage: Stage;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  stage = await Stage.open(browser);
});
afterEach(() => expect(stage.complaints).toEqual([]));

test("a plan, a permission and two questions, each by the page's own means", { timeout: 90_000 }, async () => {
  const chat = await stage.visit();
  await chat.page.getByRole("button", { name: "plan", exact: true }).click();
  const plan = cardOf(chat, "A plan waits for approval");
  await plan.getByRole("button", { name: "Approve" }).click();
  await chat.sees("plan", "Answered");
  await chat.seesAnswer(/Approved by You/);

  await chat.send("permission");
  const permission = cardOf(chat, "May it do this?");
  await permission.getByRole("button", { name: "Reject with reason" }).click();
  await permission.getByRole("textbox").fill("I need it still");
  await permission.getByRole("textbox").press("Enter");
  await chat.seesAnswer(/Rejected by You.*I need it still/);
  await chat.sees("permission", "Answered");

  await chat.send("questions");
  const [first, second] = [cardOf(chat, "format"), cardOf(chat, "read it")];
  await first.getByRole("button", { name: "HTML" }).click();
  await chat.seesAnswer("One question remains.");
  await second.waitFor();
  // What one writes answers the only question that is open.
  await chat.send("my grandmother");
  await chat.seesAnswer(/You: my grandmother/);
  await chat.sees("questions", "Answered");
  await chat.seesAnswer(/HTML[\s\S]*my grandmother|my grandmother[\s\S]*HTML/);
});

test("what waits outlives kill -9: the old button decides, and the person sees what happened", {
  timeout: 90_000,
}, async () => {
  const chat = await stage.visit();
  await chat.send("permission");
  const card = cardOf(chat, "May it do this?");
  await card.waitFor();
  await stage.gateway.kill();
  await stage.restart();
  await chat.seesAnswer("The agent was restarted while it waited for a decision.");
  await card.getByRole("button", { name: "Allow once" }).click();
  await chat.sees("permission", "Answered");
  await chat.seesAnswer(/Approved by You/);
  expect(await cardOf(chat, "May it do this?").count()).toBe(0);
});
