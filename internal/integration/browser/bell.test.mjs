import { test } from "node:test";
import assert from "node:assert/strict";
import { badge, badgeOf, base, bellOf, focused, open, openPanel, panelOf, settled, state, titles, until } from "./fixture.mjs";

test("two lines make a bell, under a strict policy, from nowhere else", async (t) => {
  const me = await open(t);
  await me.send("one");
  const page = await me.context.newPage();
  const foreign = [];
  page.on("request", (request) => !request.url().startsWith(base + "/notify/") && !request.url().startsWith("data:") && foreign.push(request.url()));
  await page.goto(base + "/page");
  await until(() => badge(page), "1", "badge");
  assert.deepEqual(foreign, [base + "/page"]);
  me.quiet();
});

test("the badge has a fixed place and says its number to readers", async (t) => {
  const me = await open(t);
  const page = await me.goto();
  await bellOf(page).waitFor();
  const before = await page.locator("notify-bell").boundingBox();
  assert.equal(await badge(page), "");
  assert.equal(await bellOf(page).getAttribute("aria-label"), "Notifications");
  await me.send("many", { Count: 120 });
  await until(() => badge(page), "99+", "badge");
  assert.equal(await bellOf(page).getAttribute("aria-label"), "Notifications, 120 new");
  assert.deepEqual(await page.locator("notify-bell").boundingBox(), before);
  await page.locator("notify-bell").evaluate((bell) => bell.setAttribute("badge", "none"));
  assert.equal(await badge(page), "");
  me.quiet();
});

test("what arrives is told once in a while, merged", async (t) => {
  const me = await open(t);
  const page = await me.goto();
  await until(state, (s) => s.streams > 0, "stream");
  const spoken = page.locator("notify-bell [role=status]");
  assert.equal(await spoken.textContent(), "");
  await me.send("one");
  await until(() => spoken.textContent(), "1 new notification", "spoken");
  await me.send("more", { Count: 3 });
  await me.send("silent", { Silent: true });
  await until(() => spoken.textContent(), "3 new notifications", "spoken");
});

test("opening sees, a click reads, and all tabs agree", async (t) => {
  const me = await open(t);
  await me.send("one", { URL: base + "/page?there" });
  await me.send("two");
  const [here, there] = [await me.goto(), await me.goto("/page", { elements: '<notify-bell badge="unread"></notify-bell>' })];
  for (const page of [here, there]) await until(() => badge(page), "2", "badge");
  await openPanel(here);
  await until(() => badge(here), "", "badge of what is unseen");
  assert.equal(await badge(there), "2", "seen is not read");
  await panelOf(here).getByRole("link", { name: "one" }).click();
  await here.waitForURL("**/page?there");
  await until(() => badge(there), "1", "badge of what is unread");
  await there.reload();
  await until(() => badge(there), "1", "badge after a reload");
  me.quiet();
});

test("mark all leaves what arrives meanwhile", async (t) => {
  const me = await open(t);
  await me.send("old");
  const page = await me.goto("/page", { elements: '<notify-bell badge="unread"></notify-bell>' });
  await openPanel(page);
  await settled();
  await me.send("new");
  await panelOf(page).locator("[part=pill]").waitFor();
  await panelOf(page).locator("[part=mark-all]").click();
  await until(() => badge(page), "1", "badge");
  await panelOf(page).locator("[part=pill]").click();
  await until(() => titles(page), (all) => all.length === 2, "titles");
  assert.deepEqual(await page.locator("[part~=item-unread] [part=item-title]").allTextContents(), ["new"]);
});

test("the keyboard is enough", async (t) => {
  const me = await open(t);
  for (const title of ["one", "two", "three"]) await me.send(title, { URL: base + "/page?to-" + title });
  const page = await me.goto();
  await until(() => badge(page), "3", "badge");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "button[bell]");
  await page.keyboard.press("Enter");
  await until(() => focused(page), "h2[heading]", "focus");
  await panelOf(page).locator("article").first().waitFor();
  for (let i = 0; i < 12 && !(await focused(page)).startsWith("article"); i++) await page.keyboard.press("Tab");
  const here = () => page.evaluate(() => document.querySelector("notify-bell").shadowRoot.activeElement?.querySelector("[part=item-title]")?.textContent);
  assert.equal(await here(), "three");
  await page.keyboard.press("PageDown");
  assert.equal(await here(), "two");
  await page.keyboard.press("j");
  assert.equal(await here(), "one");
  await page.keyboard.press("PageUp");
  assert.equal(await here(), "two");
  await page.keyboard.press("u");
  await until(() => panelOf(page).locator("[part~=item-unread]").count(), 2, "unread");
  assert.equal(await here(), "two", "the focus stays where it was");
  await page.keyboard.press("e");
  await until(() => panelOf(page).locator("article").count(), 2, "shown after archiving");
  assert.equal(await here(), "one", "the focus goes to what comes next");
  await page.keyboard.press("Control+End");
  assert.doesNotMatch(await focused(page), /article/);
  await page.keyboard.press("Escape");
  await until(() => focused(page), "button[bell]", "focus");
  assert.equal(await bellOf(page).getAttribute("aria-expanded"), "false");
  me.quiet();
});

test("what is hostile is text", async (t) => {
  const me = await open(t);
  const title = '<img src=x onerror="window.pwned=1">';
  await me.send(title, { Body: "<script>window.pwned=2</script>\u202e evil", Actions: [{ Key: "a", Title: "<b>x</b>", URL: "https://example.org/" }] });
  const page = await me.goto();
  await openPanel(page);
  assert.deepEqual(await titles(page), [title]);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await panelOf(page).locator("img, script, b").count(), 0);
  // What turns the direction turns nothing but the text that it is in.
  for (const part of ["item-title", "item-body", "item-action"]) {
    assert.equal(await panelOf(page).locator(`[part=${part}]`).first().evaluate((text) => getComputedStyle(text).unicodeBidi), "isolate", part);
  }
  // A link that slipped through a store must not be followed either.
  await page.route("**/api/v1/notifications?*", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const item of body.items) (item.link = "javascript:window.pwned=3"), (item.actions[0].href = "data:text/html,x"), (item.icon_url = "javascript:1");
    await route.fulfill({ response, json: body });
  });
  await page.locator("notify-bell").evaluate((bell) => bell.panel.feed.reload());
  await until(() => panelOf(page).locator("a[part=item-title]").count(), 0, "links");
  assert.equal(await panelOf(page).locator("[href^='javascript'], [href^='data']").count(), 0);
  me.quiet();
});

test("the host can take a click over, and the browser keeps its own", async (t) => {
  const me = await open(t);
  await me.send("one", { URL: base + "/page?there" });
  const page = await me.goto();
  await openPanel(page);
  await page.evaluate(() => addEventListener("notify-open-item", (event) => ((window.opened = event.detail.href), event.preventDefault())));
  await panelOf(page).locator("a[part=item-title]").click();
  assert.equal(await page.evaluate(() => window.opened), base + "/page?there");
  assert.equal(new URL(page.url()).search, "", "nobody went anywhere");
  const [other] = await Promise.all([me.context.waitForEvent("page"), panelOf(page).locator("a[part=item-title]").click({ button: "middle" })]);
  await other.waitForURL("**/page?there");
});

test("an action reads the item and tells the host", async (t) => {
  const me = await open(t);
  await me.send("one", { Actions: [{ Key: "ok", Title: "Approve", URL: base + "/page?approved" }] });
  const page = await me.goto("/page", { elements: '<notify-bell badge="unread" navigate="event"></notify-bell>' });
  await openPanel(page);
  await page.evaluate(() => addEventListener("notify-action", (event) => (window.pressed = event.detail.key)));
  await panelOf(page).locator("[part=item-action]").click();
  assert.equal(await page.evaluate(() => window.pressed), "ok");
  await until(() => badge(page), "", "badge");
});

test("an element that goes takes its connections along", async (t) => {
  const me = await open(t);
  const page = await me.goto();
  await until(state, (s) => s.streams === 1, "streams");
  await page.evaluate(() => {
    const bell = document.querySelector("notify-bell");
    for (let i = 0; i < 5; i++) bell.remove(), document.querySelector("header").append(bell);
  });
  await until(state, (s) => s.streams === 1, "streams");
  await page.evaluate(() => document.querySelector("notify-bell").remove());
  await until(state, (s) => s.streams === 0, "streams");
  const copy = await page.evaluate(() => {
    const bell = document.createElement("notify-bell").cloneNode(true);
    document.querySelector("header").append(bell);
    return Boolean(bell.shadowRoot);
  });
  assert.ok(copy);
  await until(state, (s) => s.streams === 1, "streams");
  await me.send("one");
  await until(() => badge(page), "1", "badge");
  me.quiet();
});

test("snoozed and archived go from the list, and can be brought back", async (t) => {
  const me = await open(t);
  await me.send("later");
  await me.send("away");
  const page = await me.goto("/notify/inbox");
  await until(() => titles(page), (all) => all.length === 2, "titles");
  const article = (title) => page.locator("article", { hasText: title });
  await article("later").hover();
  await article("later").locator("select").selectOption("week");
  await article("away").hover();
  await article("away").locator("[data-tool=archive]").click();
  await until(() => titles(page), (all) => all.length === 0, "titles");
  await page.getByRole("button", { name: "Snoozed" }).click();
  await until(() => titles(page), (all) => all.join() === "later", "snoozed");
  await page.getByRole("button", { name: "Archived" }).click();
  await until(() => titles(page), (all) => all.join() === "away", "archived");
  await article("away").hover();
  await article("away").locator("[data-tool=unarchive]").click();
  await page.getByRole("button", { name: "All", exact: true }).click();
  await until(() => titles(page), (all) => all.join() === "away", "inbox");
  me.quiet();
});

test("a long inbox comes page by page, each item once, while others arrive", async (t) => {
  const me = await open(t);
  await me.send("n", { Count: 120 });
  const page = await me.goto("/notify/inbox");
  await until(() => titles(page), (all) => all.length >= 20, "titles");
  const list = page.locator("notify-inbox .scroll");
  await me.send("fresh");
  await page.locator("[part=pill]").waitFor();
  for (let i = 0; i < 40 && (await titles(page)).length < 120; i++) {
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(100);
  }
  const all = await titles(page);
  assert.equal(all.length, 120);
  assert.equal(new Set(all).size, 120);
  assert.equal(all.includes("fresh"), false, "it waits behind the pill");
  await page.locator("[part=pill]").click();
  await until(() => titles(page), (now) => now[0] === "fresh", "after the pill");
  me.quiet();
});

test("trouble is said, and can be tried again", async (t) => {
  const me = await open(t);
  await me.send("one");
  const page = await me.goto("/page", { elements: '<notify-bell live="off"></notify-bell>' });
  await page.route("**/api/v1/notifications?*", (route) => route.abort());
  await bellOf(page).click();
  await panelOf(page).getByText("There is no connection.").waitFor();
  await page.unroute("**/api/v1/notifications?*");
  await panelOf(page).getByRole("button", { name: "Try again" }).click();
  await until(() => titles(page), (all) => all.join() === "one", "titles");
});

test("a click on the bell closes what a click on it has opened", async (t) => {
  const me = await open(t);
  const page = await me.goto();
  await openPanel(page);
  await bellOf(page).click();
  await panelOf(page).waitFor({ state: "hidden" });
  await bellOf(page).click();
  await panelOf(page).waitFor({ state: "visible" });
  await page.locator(".text").click();
  await panelOf(page).waitFor({ state: "hidden" });
  assert.equal(await bellOf(page).getAttribute("aria-expanded"), "false");
  assert.equal(await badgeOf(page).isVisible(), false);
});
