/** A person who decides on the chat page, in a real browser. */
import type { Browser, Locator } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Action } from "../../src/channel.ts";
import { eventually } from "../support/eventually.ts";
import { AsksStage, away, cardOf } from "./asks-stage.ts";
import { launchBrowser } from "./stage.ts";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const APPROVE: Action = { kind: "button", label: "Approve", data: "p:approve", style: "primary" };
const REJECT: Action = { kind: "button", label: "Reject", data: "p:reject", style: "danger" };
const REASON: Action = { kind: "form", label: "Reject with reason", data: "p:reason", prompt: "What should be other?" };
const COLOURS: Action = {
  kind: "select",
  label: "Choose a colour",
  data: "q:colour",
  choices: [
    { label: "Blue", value: "b" },
    { label: "Green", value: "g" },
  ],
};
const NAME: Action = { kind: "form", label: "Answer", data: "q:name", prompt: "Your answer" };

let browser: Browser;
let stage: AsksStage;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  stage = await AsksStage.open(browser);
});
afterEach(() => expect(stage.complaints).toEqual([]));

function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

const focused = (locator: Locator) => locator.and(locator.page().locator(":focus"));
const button = (card: Locator, name: string) => card.getByRole("button", { name, exact: true });

describe("a message that waits for a decision", { timeout: 60_000 }, () => {
  test("appears with its buttons, says privately what a press did, and loses them when it is decided", async () => {
    const chat = await stage.visit();
    const ref = await stage.say("**May I** delete `build`?", { actions: [APPROVE, REJECT, REASON] });
    const card = cardOf(chat, "May I");
    await button(card, "Approve").click();
    await card.getByRole("status").filter({ hasText: "Done." }).waitFor();
    expect(stage.offered).toMatchObject([
      { channel: "web:room", sender: { id: "web:owner", name: "You" }, data: "p:approve" },
    ]);
    expect(stage.offered[0]).not.toHaveProperty("value");
    await stage.edit(ref, "May I delete `build`?\n\nApproved by You.");
    await chat.seesAnswer("Approved by You.");
    expect(await chat.answers.getByRole("button").count()).toBe(0);
    expect(await chat.answers.locator(".note:not(.visually-hidden)").count()).toBe(0);
    await chat.page.reload();
    await chat.seesAnswer("Approved by You.");
    expect(await chat.answers.getByRole("button").count()).toBe(0);
  });

  test("is dead while a press is under way: double clicks and other buttons press nothing", async () => {
    const { passed, open } = gate();
    stage.decide = async () => {
      await passed;
      return { text: "Approved.", ok: true };
    };
    const chat = await stage.visit();
    await stage.say("May I?", { actions: [APPROVE, REJECT, COLOURS, REASON] });
    const card = cardOf(chat, "May I?");
    await button(card, "Approve").dblclick();
    await card.getByRole("status").filter({ hasText: "Sending" }).waitFor();
    for (const name of ["Approve", "Reject"]) {
      expect(await button(card, name).isDisabled()).toBe(true);
      await button(card, name).click({ force: true });
    }
    open();
    await card.getByRole("status").filter({ hasText: "Approved." }).waitFor();
    expect(stage.offered).toHaveLength(1);
    expect(await button(card, "Reject").isDisabled()).toBe(false);
  });

  test("takes a double click that is answered between the two for one press", async () => {
    const chat = await stage.visit();
    await stage.say("May I?", { actions: [APPROVE] });
    const card = cardOf(chat, "May I?");
    const box = await button(card, "Approve").boundingBox();
    if (box === null) throw new Error("no button");
    await chat.page.mouse.move(box.x + 10, box.y + 10);
    await chat.page.mouse.down({ clickCount: 1 });
    await chat.page.mouse.up({ clickCount: 1 });
    await card.getByRole("status").filter({ hasText: "Done." }).waitFor();
    await chat.page.mouse.down({ clickCount: 2 });
    await chat.page.mouse.up({ clickCount: 2 });
    await button(card, "Approve").click();
    await eventually(() => stage.offered.length >= 2, "the later click is a press of its own");
    expect(stage.offered).toHaveLength(2);
  });

  test("says loudly that somebody else was first", async () => {
    stage.decide = async () => ({ text: "Ada already approved this at **14:05**.", ok: false });
    const chat = await stage.visit();
    await stage.say("May I?", { actions: [APPROVE] });
    const card = cardOf(chat, "May I?");
    await button(card, "Approve").click();
    await card.getByRole("alert").filter({ hasText: "Ada already approved this at 14:05." }).waitFor();
  });

  test("sends what was chosen", async () => {
    const chat = await stage.visit();
    await stage.say("Which colour?", { actions: [COLOURS, REASON] });
    const card = cardOf(chat, "Which colour?");
    await button(card, "Send: Choose a colour").click({ force: true });
    await card.getByRole("combobox", { name: "Choose a colour" }).selectOption("Green");
    await button(card, "Send: Choose a colour").click();
    await card.getByRole("status").filter({ hasText: "Done." }).waitFor();
    expect(stage.offered).toMatchObject([{ data: "q:colour", value: "g" }]);
  });

  test("sends what was written: Enter sends, Shift+Enter begins a line, and what is half written is kept", async () => {
    const chat = await stage.visit();
    await stage.say("The plan", { actions: [APPROVE, REASON] });
    const card = cardOf(chat, "The plan");
    await button(card, "Reject with reason").click();
    const field = card.getByRole("textbox", { name: "What should be other?" });
    await focused(field).waitFor();
    await field.press("Enter");
    await chat.page.keyboard.type("not");
    await chat.page.reload();
    expect(await field.inputValue()).toBe("not");
    await field.press("End");
    await chat.page.keyboard.type(" yet");
    await field.press("Shift+Enter");
    await chat.page.keyboard.type("/ or never?");
    await field.press("Enter");
    await card.getByRole("status").filter({ hasText: "Done." }).waitFor();
    expect(stage.offered).toMatchObject([{ data: "p:reason", value: "not yet\n/ or never?" }]);
  });

  test("that only wants a text shows the field at once", async () => {
    const chat = await stage.visit();
    await stage.say("What is it called?", { actions: [NAME] });
    const card = cardOf(chat, "What is it called?");
    await card.getByRole("textbox", { name: "Your answer" }).fill("Ada");
    await button(card, "Send: Answer").click();
    await eventually(() => stage.offered.length === 1, "pressed");
    expect(stage.offered).toMatchObject([{ data: "q:name", value: "Ada" }]);
  });

  test("keeps a press while the store is away, says so, and sends it when it can", async () => {
    let storeAway = true;
    stage.decide = async () => (storeAway ? away() : { text: "Approved.", ok: true });
    const chat = await stage.visit();
    const ref = await stage.say("May I?", { actions: [APPROVE, REJECT] });
    const card = cardOf(chat, "May I?");
    await button(card, "Approve").click();
    await card
      .getByRole("alert")
      .filter({ hasText: /Not taken yet: The disk is full.*Trying again/ })
      .waitFor();
    expect(await button(card, "Reject").isDisabled()).toBe(true);
    storeAway = false;
    await card.getByRole("status").filter({ hasText: "Approved." }).waitFor();
    expect(new Set(stage.offered.map(({ data }) => data))).toEqual(new Set(["p:approve"]));

    storeAway = true;
    await button(card, "Approve").click();
    await button(card, "Cancel").click();
    await card.getByRole("alert").waitFor({ state: "detached" });
    storeAway = false;
    await button(card, "Reject").click();
    await card.getByRole("status").filter({ hasText: "Approved." }).waitFor();
    expect(stage.offered.at(-1)?.data).toBe("p:reject");
    await stage.edit(ref, "Rejected.");
    await chat.seesAnswer("Rejected.");
  });

  test("is decided by keyboard alone, and the focus stays with it", async () => {
    const chat = await stage.visit();
    const ref = await stage.say("May I?", { actions: [APPROVE, COLOURS, REASON] });
    const card = cardOf(chat, "May I?");
    await button(card, "Approve").waitFor();
    for (let tabs = 0; tabs < 20; tabs++) {
      if ((await focused(button(card, "Approve")).count()) === 1) break;
      await chat.page.keyboard.press("Shift+Tab");
    }
    const outline = 'getComputedStyle(document.querySelector(":focus")).outlineStyle';
    expect(await chat.page.evaluate(outline)).toBe("solid");
    await chat.page.keyboard.press("Enter");
    await card.getByRole("status").filter({ hasText: "Done." }).waitFor();
    await focused(button(card, "Approve")).waitFor();
    await stage.edit(ref, "Approved.");
    await chat.seesAnswer("Approved.");
    await focused(chat.answers).waitFor();
  });

  test("is one of several: each has its own answer, and they don't disturb one another", async () => {
    stage.decide = async ({ data }) => ({ text: `${data}, 1 remaining`, ok: true });
    const chat = await stage.visit();
    const first = await stage.say("Which colour?", { actions: [COLOURS] });
    await stage.say("What is it called?", { actions: [NAME] });
    const [colour, name] = [cardOf(chat, "Which colour?"), cardOf(chat, "What is it called?")];
    await name.getByRole("textbox", { name: "Your answer" }).fill("Ad");
    await colour.getByRole("combobox").selectOption("Blue");
    await button(colour, "Send: Choose a colour").click();
    await colour.getByRole("status").filter({ hasText: "q:colour, 1 remaining" }).waitFor();
    await stage.edit(first, "Which colour?\n\nBlue.");
    await chat.seesAnswer("Blue.");
    expect(await name.getByRole("textbox", { name: "Your answer" }).inputValue()).toBe("Ad");
    expect(await name.getByRole("status").textContent()).toBe("");
  });
});

describe("replies", { timeout: 60_000 }, () => {
  test("a person replies to a message, and both sides see to which", async () => {
    const chat = await stage.visit();
    await stage.say("Which colour?", { actions: [COLOURS] });
    const second = await stage.say("What is it **called**?", { actions: [NAME] });
    await button(cardOf(chat, "called"), "Reply").click();
    await chat.page.getByText("Replying to: What is it called?").waitFor();
    await chat.page.keyboard.type("Ada");
    await chat.page.keyboard.press("Enter");
    await eventually(() => stage.taken.length === 1, "taken");
    expect(stage.taken).toMatchObject([{ text: "Ada", answers: second }]);
    await chat.own.getByRole("button", { name: "What is it called?" }).waitFor();
    expect(await chat.page.getByText("Replying to:").count()).toBe(0);
    await chat.send("and now to nothing");
    await eventually(() => stage.taken.length === 2, "taken");
    expect(stage.taken[1]).not.toHaveProperty("answers");
    await button(cardOf(chat, "called"), "Reply").click();
    await chat.page.getByRole("button", { name: "Don't reply to it" }).click();
    await chat.page.getByText("Replying to:").waitFor({ state: "detached" });
  });

  test("a reminder leads to what it reminds of, however long ago that was", async () => {
    const first = await stage.say("The first question", { actions: [APPROVE] });
    for (let i = 0; i < 70; i++) await stage.say(`line ${i}\n\nand more`);
    const chat = await stage.visit();
    await stage.say("Still waiting", { actions: [APPROVE], replyTo: first });
    const reminder = cardOf(chat, "Still waiting");
    await reminder.getByRole("button", { name: "An earlier message" }).click();
    const original = cardOf(chat, "The first question").filter({ hasNotText: "Still waiting" });
    await expect.poll(async () => await inView(original)).toBe(true);
    await reminder.getByRole("button", { name: "The first question" }).waitFor({ state: "attached" });
  });
});

async function inView(locator: Locator): Promise<boolean> {
  if ((await locator.count()) === 0) return false;
  const box = await locator.boundingBox();
  return box !== null && box.y >= 0 && box.y + box.height <= (locator.page().viewportSize()?.height ?? 0);
}

describe("a chat that waits", { timeout: 60_000 }, () => {
  test("says so instead of being busy, in the list and in the title", async () => {
    const chat = await stage.visit();
    await chat.send("do it");
    await chat.sees("do it", "Queued #1");
    await stage.run();
    await chat.page.getByText(/^Working · /).waitFor();
    const ref = await stage.say("May I?", { actions: [APPROVE] });
    await stage.setAsks(1);
    await chat.sees("do it", "Waiting for you");
    await chat.page.locator(".working").filter({ hasText: "Waiting for you" }).waitFor();
    expect(await chat.page.getByText(/^Working · /).count()).toBe(0);
    const row = chat.page.getByRole("navigation").getByRole("button", { name: "do it" });
    await row.getByRole("img", { name: "waiting for you" }).waitFor();
    await expect.poll(async () => await chat.page.title()).toBe("(1) do it – Switchboard");
    expect(await chat.stop.count()).toBe(1);
    await stage.edit(ref, "Approved.");
    await stage.setAsks(0);
    await chat.page.getByText(/^Working · /).waitFor();
    await row.getByRole("img", { name: "at work" }).waitFor();
  });
});

const PLAN = `**The plan** of \`claude\`:

1. Read \`src/adapters/web/routes.ts\` and find where messages are taken.
2. Add a route for presses, with the same checks.
3. Run \`npm run check && npx vitest run test/adapters/web-a-very-long-file-name-that-does-not-wrap.test.ts\`.

Nothing is changed before you approve.`;

describe("what it looks like", { timeout: 60_000 }, () => {
  test.each([
    ["a desk", {}],
    ["a desk at night", { colorScheme: "dark" as const }],
    ["a phone", PHONE],
  ])("nothing sticks out on %s", async (_, options) => {
    const chat = await stage.visit(options);
    await chat.send("Let people decide on the web page");
    await chat.sees("Let people", "Queued #1");
    await stage.run();
    const plan = await stage.say(PLAN, { actions: [APPROVE, REJECT, REASON] });
    const long: Action = { kind: "button", label: `Always allow ${"rm -rf build ".repeat(12)}`, data: "x:always" };
    const once: Action = { kind: "button", label: "Once", data: "x:once", style: "primary" };
    const session: Action = { kind: "button", label: "For this session", data: "x:session" };
    await stage.say("May I run `rm -rf build`?", { actions: [once, session, long, REJECT] });
    const choices = ["Blue", `A colour ${"with a long name ".repeat(9)}`].map((label) => ({ label, value: label }));
    await stage.say("Which colour?", { actions: [{ kind: "select", label: "Choose…", data: "q:c", choices }, NAME] });
    await stage.say("What is it called?", { actions: [NAME] });
    await stage.say("Reminder: a plan waits for you.", { actions: [APPROVE, REJECT], replyTo: plan });
    await stage.setAsks(3);
    stage.decide = async () => ({ text: "Only the people who asked for it may decide. ".repeat(4).trim(), ok: false });
    await button(cardOf(chat, "rm -rf"), "Once").click();
    await cardOf(chat, "rm -rf").getByRole("alert").waitFor();
    await button(cardOf(chat, "Nothing is changed before"), "Reject with reason").click();
    await cardOf(chat, "Which colour").getByRole("combobox").selectOption({ index: 2 });
    await button(cardOf(chat, "What is it called"), "Reply").click();
    await chat.sees("Let people", "Waiting for you");
    expect(await chat.overflows()).toBe(false);
    const width = chat.page.viewportSize()?.width ?? 0;
    const sides = await chat.page
      .locator(".card, .card *:not(.visually-hidden, pre *)")
      .evaluateAll((elements) => elements.map((element) => element.getBoundingClientRect().right));
    expect(Math.max(...sides)).toBeLessThanOrEqual(width);
  });
});
