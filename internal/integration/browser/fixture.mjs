// What all tests share: one browser, one host, and a user for each test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { after, before } from "node:test";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const executable = process.env.NOTIFY_TEST_CHROMIUM || "/usr/bin/chromium";
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser, host;
export let base = "";

before(async () => {
  host = spawn("go", ["run", "./site"], { cwd: fileURLToPath(new URL(".", import.meta.url)), env: { ...process.env, GOWORK: "off" }, stdio: ["pipe", "pipe", "inherit"] });
  [base] = await once(createInterface(host.stdout), "line");
  // Root has no sandbox of its own to give.
  browser = await chromium.launch({ executablePath: executable, args: process.getuid?.() === 0 ? [...quiet, "--no-sandbox"] : quiet });
});

after(async () => {
  await browser?.close();
  host?.stdin.end();
});

let users = 0;

/** A browser of somebody new. Everything that a page complains of fails the test. */
export async function open(t, options = {}) {
  const user = options.user ?? "user-" + ++users;
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  await context.addCookies([{ name: "user", value: user, url: base }]);
  const complaints = [];
  const watch = (page) => {
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
  };
  context.on("page", watch);
  t.after(() => context.close());
  return {
    user,
    context,
    complaints,
    /** @param {string} path @param {Record<string, string>} [query] */
    async goto(path = "/page", query = {}) {
      const page = await context.newPage();
      await page.goto(base + path + "?" + new URLSearchParams(query));
      return page;
    },
    send: (title, more = {}) => send(user, title, more),
    /** @param {RegExp[]} [expected] of complaints that belong to the test */
    quiet(...expected) {
      assert.deepEqual(complaints.filter((text) => !expected.some((one) => one.test(text))), []);
    },
  };
}

export async function send(user, title, more = {}) {
  const response = await fetch(base + "/test/send", { method: "POST", body: JSON.stringify({ User: user, Title: title, ...more }) });
  assert.equal(response.status, 200, await response.text());
}

export const post = (path) => fetch(base + path, { method: "POST" });
export const state = async () => (await fetch(base + "/test/state")).json();

/** Waits until it is so; says what it was instead. */
export async function until(read, want, what = "", patience = 30_000) {
  const end = Date.now() + patience;
  let got;
  do {
    got = await read();
    if (typeof want === "function" ? want(got) : got === want) return got;
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (Date.now() < end);
  assert.fail(`${what}: got ${JSON.stringify(got)}, want ${typeof want === "function" ? want : JSON.stringify(want)}`);
}

export const bellOf = (page) => page.locator("notify-bell [part=bell]");
export const badgeOf = (page) => page.locator("notify-bell [part=badge]");
export const panelOf = (page) => page.locator("notify-bell [part=panel]");

/** What the badge shows; "" when it is hidden. */
export const badge = (page) => badgeOf(page).evaluate((element) => (element.hidden ? "" : element.textContent));

export async function openPanel(page) {
  await bellOf(page).click();
  // While the list is on its way the part that says so is there already.
  await panelOf(page).locator("article, [part=list][aria-busy=false] ~ [part=empty]:not([hidden])").first().waitFor();
}

/** Waits until the stream is there and nothing is on its way: what comes now is news. */
export async function settled() {
  let still = 0;
  await until(async () => {
    const { streams, requests } = await state();
    still = streams > 0 && !requests?.length ? still + 1 : 0;
    return still > 6;
  }, true, "quiet");
}

export const titles = (page) => page.locator("[part=item-title]").allTextContents();

/** Which element has the focus, through shadow roots: "tag[part]". */
export const focused = (page) =>
  page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const part = element?.getAttribute("part");
    return (element?.localName ?? "") + (part ? `[${part}]` : "");
  });
