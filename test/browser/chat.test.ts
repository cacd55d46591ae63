/** A person at the chat page, in a real browser, before the built gateway and the demo agent. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ChatPage, launchBrowser, Stage } from "./stage.ts";

const PICTURE = fileURLToPath(new URL("../../docs/chat.png", import.meta.url));
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

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

describe("the first minute", { timeout: 90_000 }, () => {
  test("the link opens the page signed in, and the plain address is enough from then on", async () => {
    const chat = await stage.visit();
    await chat.page.getByRole("heading", { name: "A new chat" }).waitFor();
    expect(chat.page.url()).not.toContain("token");
    await chat.page.goto(stage.gateway.url);
    await chat.page.getByRole("heading", { name: "A new chat" }).waitFor();
    const [cookie] = await chat.context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
  });

  test("a suggestion is one click, its answer is formatted, and the channel gets its name", async () => {
    const chat = await stage.visit();
    await chat.page.getByRole("button", { name: "markdown" }).click();
    await chat.sees("markdown", "Answered");
    const answer = chat.answers.first();
    await answer.locator("table td").first().waitFor();
    expect(await answer.locator("strong").count()).toBeGreaterThan(0);
    expect(await answer.locator("pre code").count()).toBeGreaterThan(0);
    expect(await answer.locator("img, script, iframe").count()).toBe(0);
    await chat.page.getByRole("navigation").getByRole("button", { name: "markdown" }).waitFor();
    expect(await chat.page.title()).toBe("markdown – Switchboard");
  });

  test("what a person writes is shown as written", async () => {
    const chat = await stage.visit();
    const text = '<b>bold?</b> & "quotes"\n  indented <script>';
    await chat.composer.fill(text);
    await chat.composer.press("Shift+Enter");
    await chat.page.keyboard.type("last line");
    await chat.composer.press("Enter");
    await chat.sees("bold?", "Answered");
    expect(await chat.own.locator(".bubble").textContent()).toBe(`${text}\nlast line`);
    await chat.seesAnswer("<b>bold?</b>");
  });
});

describe("an answer", { timeout: 90_000 }, () => {
  test("grows before one's eyes, with the time it takes, until it is done", async () => {
    const chat = await stage.visit();
    await chat.send("slow 3");
    await chat.sees("slow 3", "Running");
    await chat.page.getByText(/^Working · \d+ s/).waitFor();
    const growing = chat.page.locator(".growing");
    await growing.filter({ hasText: "1 of 3" }).waitFor();
    expect(await growing.textContent()).not.toContain("3 of 3");
    await chat.sees("slow 3", "Answered");
    await chat.seesAnswer("3 of 3");
    expect(await growing.count()).toBe(0);
    expect(await chat.stop.count()).toBe(0);
  });

  test("comes to each message in its turn, and the page says which one waits where", async () => {
    const chat = await stage.visit();
    await chat.send("slow 4");
    await chat.send("the second");
    await chat.send("the third");
    await chat.sees("the second", "Queued #1");
    await chat.sees("the third", "Queued #2");
    await chat.sees("slow 4", "Running");
    await chat.page.getByText("2 waiting").waitFor();
    await chat.sees("the third", "Answered");
    await chat.seesAnswer("the third");
    const answers = (await chat.answers.allInnerTexts()).map(
      (text) => /This takes|the second|the third/.exec(text)?.[0],
    );
    expect(answers).toEqual(["This takes", "the second", "the third"]);
  });

  test("is stopped by the button, and nothing of it comes after", async () => {
    const chat = await stage.visit();
    await chat.send("slow 60");
    await chat.send("waits behind");
    await chat.sees("waits behind", "Queued #1");
    await chat.seesAnswer("1 of 60");
    await chat.stop.click();
    await chat.sees("slow 60", "Dropped");
    await chat.sees("waits behind", "Dropped");
    await chat.seesAnswer("The running answer was stopped.");
    await chat.stop.waitFor({ state: "detached" });
    const stopped = await chat.answers.first().textContent();
    await chat.send("and on it goes");
    await chat.sees("and on it goes", "Answered");
    expect(await chat.answers.first().textContent()).toBe(stopped);
    expect(await chat.page.locator(".growing").count()).toBe(0);
  });

  test("that fails says why, and can be asked for again", async () => {
    const chat = await stage.visit();
    await chat.send("fail once");
    await chat.sees("fail once", "Answered");
    await chat.seesAnswer("Attempt 2 went well");
    await chat.send("fail");
    await chat.sees("fail", "Failed: You asked me to fail");
    const retry = chat.page.getByRole("button", { name: "Retry" });
    await retry.click();
    await chat.seesAnswer("Running it again");
    await chat.answers.filter({ hasText: "after 3 attempts" }).nth(1).waitFor();
  });
});

describe("nothing is lost or doubled", { timeout: 120_000 }, () => {
  test("by a reload in the middle of an answer", async () => {
    const chat = await stage.visit();
    await chat.send("slow 4");
    await chat.send("the second");
    await chat.seesAnswer("1 of 4");
    await chat.page.reload();
    await chat.sees("slow 4", "Running");
    await chat.sees("the second", "Queued #1");
    await chat.sees("the second", "Answered");
    await chat.seesAnswer("the second");
    await chat.seesAnswer("4 of 4");
    expect((await chat.log()).sort()).toEqual(
      ["You said:", "slow 4", "the second", "This takes 4 s. Send /stop to end it."].sort(),
    );
  });

  test("by a gateway that is killed and comes back while the page stays open", async () => {
    const chat = await stage.visit();
    await chat.send("slow 4");
    await chat.send("the second");
    await chat.seesAnswer("1 of 4");
    await stage.gateway.kill();
    await chat.page.getByText("Reconnecting").waitFor();
    await chat.send("sent while it was away");
    await chat.sees("sent while it was away", "Not sent yet");
    await stage.restart();
    await chat.page.getByText("Reconnecting").waitFor({ state: "detached" });
    await chat.sees("sent while it was away", "Answered");
    await chat.sees("the second", "Answered");
    await chat.sees("slow 4", "Answered");
    await chat.seesAnswer("4 of 4");
    await chat.seesAnswer("the second");
    await chat.seesAnswer("sent while it was away");
    const log = [
      "You said:",
      "You said:",
      "sent while it was away",
      "slow 4",
      "the second",
      "This takes 4 s. Send /stop to end it.",
    ];
    expect((await chat.log()).sort()).toEqual(log.sort());
    await chat.page.reload();
    await chat.sees("sent while it was away", "Answered");
    expect((await chat.log()).sort()).toEqual(log.sort());
  });

  test("by a message that was written but never answered for", async () => {
    const chat = await stage.visit();
    // The gateway takes the message; its answer gets lost on the way, again and again.
    await chat.page.route("**/messages", async (route) => {
      await route.fetch();
      await route.abort();
    });
    await chat.send("said once");
    await chat.seesAnswer("said once");
    await chat.sees("said once", "Not sent yet");
    const { context } = chat;
    await chat.page.close();
    const again = new ChatPage(await context.newPage());
    const posted = again.page.waitForResponse((response) => response.request().method() === "POST");
    await again.page.goto(stage.gateway.url);
    expect((await posted).status()).toBe(202);
    await again.sees("said once", "Answered");
    expect(await again.log()).toEqual(["said once", "You said:"]);
    expect(await again.page.evaluate("Object.keys(localStorage)")).toEqual([]);
  });

  test("between two pages that look at one channel", async () => {
    const one = await stage.visit();
    await one.send("slow 2");
    await one.sees("slow 2", "Running");
    const other = new ChatPage(await one.context.newPage());
    await other.page.goto(one.page.url());
    await other.sees("slow 2", "Running");
    await other.send("from the other page");
    await one.sees("from the other page", "Answered");
    await other.sees("from the other page", "Answered");
    for (const page of [one, other]) await page.seesAnswer("from the other page");
    expect(await one.log()).toEqual(await other.log());
  });

  test("by a long talk: it opens at its end, and what came before is there when asked for", async () => {
    const chat = await stage.visit();
    for (let i = 0; i < 40; i++) await chat.send(`number ${i}.`);
    await chat.seesAnswer("number 39.");
    await chat.page.reload();
    await chat.own.filter({ hasText: "number 39." }).waitFor();
    expect(await chat.own.filter({ hasText: "number 0." }).count()).toBe(0);
    await chat.page.getByRole("button", { name: "Show earlier messages" }).click();
    await chat.own.filter({ hasText: "number 0." }).waitFor();
    const own = await chat.own.locator(".bubble").allInnerTexts();
    expect(own).toEqual(Array.from({ length: 40 }, (_, i) => `number ${i}.`));
    expect(await chat.answers.count()).toBe(40);
  });
});

describe("getting around", { timeout: 90_000 }, () => {
  test("by keyboard alone", async () => {
    const chat = await stage.visit();
    await chat.send("first channel");
    await chat.sees("first channel", "Answered");
    await chat.page.getByRole("button", { name: "New chat" }).first().click();
    await chat.page.getByRole("heading", { name: "A new chat" }).waitFor();
    await chat.page.keyboard.type("second channel");
    await chat.page.keyboard.press("Enter");
    await chat.sees("second channel", "Answered");
    await chat.page.getByRole("navigation").getByRole("button", { name: "second channel" }).waitFor();
    await chat.page.keyboard.press("Alt+ArrowDown");
    await chat.sees("first channel", "Answered");
    await chat.page.keyboard.press("Alt+ArrowUp");
    await chat.sees("second channel", "Answered");
    await chat.page.keyboard.type("/sta");
    await chat.page.getByRole("option", { name: "/status" }).waitFor();
    await chat.page.keyboard.press("Enter");
    await chat.seesAnswer("second channel · agent demo");
    await chat.composer.blur();
    await chat.page.keyboard.press("?");
    await chat.page.getByRole("dialog").waitFor();
    await chat.page.keyboard.press("Escape");
    await chat.page.getByRole("dialog").waitFor({ state: "detached" });
    await chat.page.keyboard.press("/");
    await chat.page.getByRole("listbox").waitFor();
    expect(await chat.composer.inputValue()).toBe("/");
    await chat.page.keyboard.press("Escape");
    await chat.page.getByRole("listbox").waitFor({ state: "detached" });
  });

  test("a reader who scrolled up is left alone, and led to the end when they ask", async () => {
    const chat = await stage.visit();
    await chat.send("long");
    await chat.sees("long", "Answered");
    await chat.answers.first().waitFor();
    const frame = chat.page.getByRole("region", { name: "Messages" });
    await frame.evaluate((element) => element.scrollTo(0, 0));
    await frame.hover();
    await chat.page.mouse.wheel(0, -10_000);
    await chat.page.getByRole("button", { name: "Newest" }).waitFor();
    const other = new ChatPage(await chat.context.newPage());
    await other.page.goto(chat.page.url());
    await other.send("said elsewhere");
    await chat.own.filter({ hasText: "said elsewhere" }).waitFor({ state: "attached" });
    await chat.seesAnswer("said elsewhere");
    expect(await frame.evaluate((element) => element.scrollTop)).toBe(0);
    await chat.page.getByRole("button", { name: "Newest" }).click();
    await expect.poll(async () => await chat.page.getByRole("button", { name: "Newest" }).count()).toBe(0);
    expect(await frame.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 2)).toBe(
      true,
    );
  });

  test("whose cookie is gone is told how to come back", async () => {
    const chat = await stage.visit();
    await chat.page.getByRole("heading", { name: "A new chat" }).waitFor();
    await chat.context.clearCookies();
    await chat.send("kept in the browser");
    await chat.page.getByRole("heading", { name: "You are signed out" }).waitFor();
    await chat.page.goto(stage.gateway.url);
    await chat.page.getByText("switchboard start").waitFor();
    await chat.page.goto(stage.gateway.link);
    await chat.sees("kept in the browser", "Answered");
  });
});

describe("what it looks like", { timeout: 120_000 }, () => {
  test("on a phone nothing sticks out, and everything can be reached by touch", async () => {
    const chat = await stage.visit(PHONE);
    await chat.page.getByRole("button", { name: "markdown" }).tap();
    await chat.sees("markdown", "Answered");
    await chat.composer.fill(`a very long word: ${"x".repeat(300)}`);
    await chat.page.getByRole("button", { name: "Send" }).tap();
    await chat.sees("a very long word", "Answered");
    expect(await chat.overflows()).toBe(false);
    const list = chat.page.getByRole("navigation", { name: "Channels" });
    expect(await list.isVisible()).toBe(false);
    await chat.page.getByRole("button", { name: "Channels", exact: true }).tap();
    await list.getByRole("button", { name: "markdown" }).waitFor();
    await list.getByRole("button", { name: "New chat" }).tap();
    await chat.page.getByRole("heading", { name: "A new chat" }).waitFor();
    expect(await chat.overflows()).toBe(false);
  });

  test("on a desk: the picture of the README", async () => {
    const chat = await stage.visit({ colorScheme: "light", deviceScaleFactor: 2 });
    for (const title of ["Which tests are slow?", "Draft the release notes"]) {
      await chat.send(title);
      await chat.sees(title, "Answered");
      await chat.page.getByRole("button", { name: "New chat" }).first().click();
      await chat.page.getByRole("heading", { name: "A new chat" }).waitFor();
    }
    await chat.send("help");
    await chat.sees("help", "Answered");
    await chat.send("slow 20");
    await chat.seesAnswer("2 of 20");
    await chat.send("And this one waits its turn");
    await chat.sees("And this one waits its turn", "Queued #1");
    expect(await chat.overflows()).toBe(false);
    await chat.page.mouse.move(0, 0);
    if (process.env.UPDATE_PICTURES === "1") {
      mkdirSync(dirname(PICTURE), { recursive: true });
      await chat.page.screenshot({ path: PICTURE });
    }
  });
});
