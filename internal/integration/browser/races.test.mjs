// What must hold whatever comes in which order.

import { test } from "node:test";
import assert from "node:assert/strict";
import { badge, base, bellOf, open, openPanel, panelOf, post, settled, state, titles, until } from "./fixture.mjs";

const count = (page) => page.evaluate(() => addEventListener("notify-received", () => (window.received = (window.received ?? 0) + 1)));
const received = (page) => page.evaluate(() => window.received ?? 0);
const pill = (page) => page.locator("[part=pill]");
const inbox = (page) => page.locator("notify-inbox");

test("a stream that comes back tells nothing twice", async (t) => {
  const me = await open(t);
  const page = await me.goto();
  await count(page);
  await openPanel(page);
  await until(state, (s) => s.streams === 1, "streams");
  await me.send("one");
  await until(() => received(page), 1, "received");
  await until(() => titles(page), (all) => all.join() === "one", "titles");
  const { streamed } = await state();
  await post("/test/down");
  await post("/test/up");
  await until(state, (s) => s.streams === 1 && s.streamed > streamed, "streams");
  await me.send("two");
  await until(() => received(page), 2, "received");
  assert.equal(await pill(page).textContent(), "Show 1 new");
});

test("without locks each tab has a stream, and still tells nothing twice", async (t) => {
  const me = await open(t);
  await me.context.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));
  const pages = [await me.goto(), await me.goto()];
  await until(state, (s) => s.streams === 2, "streams");
  for (const page of pages) await count(page);
  await me.send("one");
  await me.send("two");
  for (const page of pages) await until(() => badge(page), "2", "badge");
  await pages[0].waitForTimeout(300);
  assert.deepEqual(await Promise.all(pages.map(received)), [2, 2]);
});

test("a tab that nobody looks at keeps the stream for the others", async (t) => {
  const me = await open(t);
  const leader = await me.goto();
  await until(state, (s) => s.streams === 1, "streams");
  const other = await me.goto();
  await leader.evaluate(() => Object.defineProperty(document, "hidden", { value: true }));
  await post("/test/down");
  await until(state, (s) => s.streams === 0, "streams");
  await leader.waitForTimeout(2500);
  await post("/test/up");
  await until(state, (s) => s.streams === 1, "streams");
  await me.send("one");
  await until(() => badge(other), "1", "badge");
});

test("what goes elsewhere brings no news, and what looks alike is not lost", async (t) => {
  const me = await open(t);
  await me.send("n", { Count: 25 });
  const page = await me.goto();
  // A whole batch is filed in one instant.
  await page.route("**/api/v1/notifications?*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const item of body.items) item.created_at = "2026-01-01T00:00:00.000Z";
    await route.fulfill({ response, json: body });
  });
  await openPanel(page);
  await until(() => titles(page), (all) => all.length === 20, "titles");
  await panelOf(page).locator(".more button").click();
  await until(() => titles(page), (all) => all.length === 25, "titles");
  const list = await (await me.context.request.get(base + "/notify/api/v1/notifications?limit=5")).json();
  await me.context.request.patch(base + "/notify/api/v1/notifications/" + list.items[2].id, { data: { read: true } });
  await until(() => panelOf(page).locator("[part~=item-unread]").count(), 24, "unread");
  assert.equal((await titles(page)).length, 25);
  assert.ok(await pill(page).isHidden());
});

test("an item that moves up from the next page is no news", async (t) => {
  const me = await open(t);
  await me.send("n", { Count: 25 });
  const page = await me.goto();
  await openPanel(page);
  await until(() => titles(page), (all) => all.length === 20, "titles");
  const list = await (await me.context.request.get(base + "/notify/api/v1/notifications?limit=5")).json();
  await me.context.request.patch(base + "/notify/api/v1/notifications/" + list.items[2].id, { data: { archived: true } });
  await until(() => titles(page), (all) => !all.includes(list.items[2].title), "titles");
  assert.ok(await pill(page).isHidden());
});

test("more news than a page are all counted", async (t) => {
  const me = await open(t);
  await me.send("old");
  const page = await me.goto("/page", { elements: '<notify-bell page-size="3"></notify-bell>' });
  await openPanel(page);
  await settled();
  await me.send("new", { Count: 5 });
  await until(() => pill(page).textContent(), "Show 5 new", "pill");
  const answer = page.waitForResponse("**/api/v1/notifications?*");
  await page.locator("notify-bell").evaluate((bell) => bell.client.resync());
  await answer;
  await page.waitForTimeout(200);
  assert.equal(await pill(page).textContent(), "Show 5 new");
});

test("what arrives while the list is on its way waits behind the pill", async (t) => {
  const me = await open(t);
  await me.send("one");
  const page = await me.goto("/notify/inbox");
  await until(() => titles(page), (all) => all.length === 1, "titles");
  await until(state, (s) => s.streams === 1, "streams");
  await page.evaluate(() => document.querySelector("notify-inbox").client.addEventListener("item", () => (window.heard = true)));
  await page.route("**/api/v1/notifications?*", async (route) => {
    const response = await route.fetch();
    await me.send("late");
    await page.waitForFunction(() => window.heard);
    await route.fulfill({ response });
  }, { times: 1 });
  await inbox(page).evaluate((element) => element.refresh());
  await until(() => pill(page).isVisible(), true, "pill");
});

test("an archive gets no news", async (t) => {
  const me = await open(t);
  const page = await me.goto("/notify/inbox");
  await until(state, (s) => s.streams === 1, "streams");
  await me.send("one");
  await me.send("two");
  await until(() => titles(page), (all) => all.length > 0, "titles");
  await inbox(page).locator("[data-tool=archive]").first().click();
  await page.getByRole("button", { name: "Archived" }).click();
  await until(() => titles(page), (all) => all.length === 1, "titles");
  await count(page);
  await me.send("three");
  await until(() => received(page), (n) => n > 0, "received");
  assert.ok(await pill(page).isHidden());
});

test("a page that does not come is not asked for without end", async (t) => {
  const me = await open(t);
  await me.send("n", { Count: 25 });
  const page = await me.goto();
  let asked = 0;
  await page.route("**/api/v1/notifications?*cursor=*", (route) => (asked++, route.abort()));
  await openPanel(page);
  await until(() => titles(page), (all) => all.length === 20, "titles");
  await panelOf(page).locator(".scroll").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await until(() => asked, (n) => n > 0, "asked");
  await page.waitForTimeout(1000);
  assert.ok(asked <= 2, `asked ${asked} times`);
  await page.unroute("**/api/v1/notifications?*cursor=*");
  await panelOf(page).locator(".more button").click();
  await until(() => titles(page), (all) => all.length === 25, "titles");
});

test("a bell that is moved while it is open can be opened again", async (t) => {
  const me = await open(t);
  await me.send("one");
  const page = await me.goto();
  await openPanel(page);
  await page.evaluate(() => document.querySelector("main").append(document.querySelector("notify-bell")));
  await until(() => bellOf(page).getAttribute("aria-expanded"), "false", "expanded");
  await me.send("two");
  await openPanel(page);
  await until(() => titles(page), (all) => all.join() === "two,one", "titles");
  assert.equal(await bellOf(page).getAttribute("aria-expanded"), "true");
  me.quiet();
});

test("a button that leads nowhere can be pressed by keyboard", async (t) => {
  const me = await open(t);
  await me.send("one", { Actions: [{ Key: "ok", Title: "Approve", URL: base + "/page" }] });
  const page = await me.goto("/page", { elements: '<notify-bell badge="unread"></notify-bell>' });
  await page.route("**/api/v1/notifications?*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const item of body.items) item.actions[0].href = "javascript:window.pwned=1";
    await route.fulfill({ response, json: body });
  });
  await page.evaluate(() => addEventListener("notify-action", (event) => (window.pressed = event.detail.href)));
  await openPanel(page);
  await panelOf(page).getByRole("button", { name: "Approve" }).focus();
  await page.keyboard.press("Space");
  await until(() => badge(page), "", "badge");
  assert.equal(await page.evaluate(() => window.pressed), "", "no host gets a link that is not safe");
});
