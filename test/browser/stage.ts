import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from "playwright-core";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../support/gateway.ts";
import { GatewayProcess } from "../support/process.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The system's Chromium; where there is none, the error says so and the tests fail. */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** The built gateway, as `switchboard start` runs it, with a browser before it. */
export class Stage {
  readonly gateway: GatewayProcess;
  /** Whatever the pages complained of, and every request that left the gateway. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser;
    this.#folder = folder;
    this.gateway = new GatewayProcess(folder, "http: { port: 0 }\n");
  }

  static async open(browser: Browser): Promise<Stage> {
    const stage = new Stage(browser, temporaryFolder());
    await stage.gateway.start();
    return stage;
  }

  /** As a person who never closed the page finds it: at the same address, with the same store. */
  async restart(): Promise<void> {
    const port = new URL(this.gateway.link).port;
    const path = join(this.#folder, "switchboard.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replace("port: 0", `port: ${port}`));
    await this.gateway.start();
  }

  /** A browser that is signed in, with the page open. */
  async visit(options: BrowserContextOptions = {}): Promise<ChatPage> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    onTestFinished(() => context.close());
    context.on("request", (request) => {
      if (!request.url().startsWith(this.gateway.url)) this.complaints.push(`request to ${request.url()}`);
    });
    context.on("weberror", (error) => this.complaints.push(String(error.error())));
    context.on("console", (message) => {
      // A gateway that is away is a failed request: what the page makes of it is what the tests look at.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        this.complaints.push(message.text());
      }
    });
    const page = await context.newPage();
    await page.goto(this.gateway.link);
    return new ChatPage(page);
  }
}

/** The chat page, by what a person sees of it. */
export class ChatPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  get own(): Locator {
    return this.page.getByRole("article", { name: "You" });
  }

  get answers(): Locator {
    return this.page.getByRole("article", { name: "Answer" });
  }

  get stop(): Locator {
    return this.page.getByRole("button", { name: "Stop" });
  }

  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Waits until a message of one's own has come so far. "Answered" tells that there is an answer, a moment before it is shown. */
  async sees(text: string, status: string | RegExp): Promise<void> {
    await this.own.filter({ hasText: text }).filter({ hasText: status }).first().waitFor();
  }

  async seesAnswer(text: string | RegExp): Promise<void> {
    await this.answers.filter({ hasText: text }).first().waitFor();
  }

  /** Everything on the page in order: what the person wrote, and the first words of what they got. */
  async log(): Promise<string[]> {
    const texts = await this.page.locator(".own .bubble, .bot .markdown").allInnerTexts();
    return texts.map((text) => text.split("\n")[0]?.trim() ?? "");
  }

  /** Does anything stick out to the side? */
  async overflows(): Promise<boolean> {
    return await this.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
  }
}
