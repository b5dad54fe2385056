import { test } from "node:test";
import assert from "node:assert/strict";
import { badge, badgeOf, open, openPanel, post, state, titles, until } from "./fixture.mjs";

test("eight tabs share one stream over HTTP/1.1, and hand it on", async (t) => {
  const me = await open(t);
  const pages = [];
  for (let i = 0; i < 8; i++) pages.push(await me.goto());
  for (const page of pages) await badgeOf(page).waitFor({ state: "attached" });
  await until(state, (s) => s.streams === 1, "streams");
  await me.send("one");
  for (const page of pages) await until(() => badge(page), "1", "badge of every tab");
  for (const leader of pages.splice(0, 3)) {
    await leader.close();
    await me.send("next");
    await until(state, (s) => s.streams === 1, "streams after the leader has gone", 5000);
  }
  for (const page of pages) await until(() => badge(page), "4", "badge of every tab");
  me.quiet();
});

test("a mark in one tab shows in the others, also where no count changes", async (t) => {
  const me = await open(t);
  await me.send("one");
  const [here, there] = [await me.goto("/notify/inbox"), await me.goto("/notify/inbox")];
  for (const page of [here, there]) await until(() => titles(page), (all) => all.length === 1, "titles");
  await here.locator("[data-tool=markRead]").click();
  await until(() => there.locator("[part~=item-unread]").count(), 0, "unread there");
  await here.locator("[data-tool=archive]").click();
  await until(() => titles(there), (all) => all.length === 0, "titles there");
  me.quiet();
});

test("another browser of the same person is told too", async (t) => {
  const me = await open(t);
  await me.send("one");
  const other = await open(t, { user: me.user });
  const [here, there] = [await me.goto("/notify/inbox"), await other.goto("/notify/inbox")];
  for (const page of [here, there]) await until(() => titles(page), (all) => all.length === 1, "titles");
  await here.locator("[data-tool=markRead]").click();
  await until(() => there.locator("[part~=item-unread]").count(), 0, "unread there");
  await here.locator("[data-tool=archive]").click();
  await until(() => titles(there), (all) => all.length === 0, "titles there");
});

test("a server that comes back finds its readers, without loss, doubles or a storm", async (t) => {
  const me = await open(t);
  const page = await me.goto();
  await openPanel(page);
  await me.send("before");
  await until(() => titles(page), (all) => all.join() === "before", "titles");
  const { streamed } = await state();
  await post("/test/down");
  await me.send("while it was away");
  await until(state, (s) => s.streams === 0, "streams");
  await page.waitForTimeout(3000);
  await post("/test/up");
  await page.locator("[part=pill]").waitFor({ timeout: 15_000 });
  await page.locator("[part=pill]").click();
  await until(() => titles(page), (all) => all.join() === "while it was away,before", "titles");
  assert.ok((await state()).streamed - streamed < 5, "reconnects");
  me.quiet(/ERR_|Failed to load/);
});

test("a pop-up that is not stored shows, and is gone", async (t) => {
  const me = await open(t);
  const page = await me.goto("/page", { elements: "<notify-bell></notify-bell><notify-toasts></notify-toasts>" });
  await until(state, (s) => s.streams === 1, "streams");
  await page.waitForFunction(() => customElements.get("notify-toasts"));
  await me.send("Ben is typing", { Transient: true });
  const toast = page.locator("notify-toasts [part=toast]");
  await toast.waitFor();
  assert.match(await toast.textContent(), /Ben is typing/);
  assert.equal(await badge(page), "", "it is counted nowhere");
  await toast.getByRole("button", { name: "Close" }).click();
  await toast.waitFor({ state: "detached" });
  await me.send("stored");
  await toast.waitFor();
  await until(() => badge(page), "1", "badge");
  me.quiet();
});

test("without a stream the counts are asked for", async (t) => {
  const me = await open(t);
  await state();
  const page = await me.goto("/page", { elements: '<notify-bell live="poll"></notify-bell>' });
  await me.send("one");
  await page.evaluate(() => document.querySelector("notify-bell").refresh());
  await until(() => badge(page), "1", "badge");
  const { requests } = await state();
  assert.equal(requests.filter((one) => one.endsWith("/stream")).length, 0);
});

test("somebody who is signed out is told so and asks no more", async (t) => {
  const me = await open(t);
  const page = await me.goto("/notify/inbox");
  await until(() => titles(page), (all) => all.length === 0, "titles");
  await me.context.clearCookies();
  await page.locator("notify-inbox").evaluate((inbox) => inbox.refresh());
  await page.getByText("You are signed out.").waitFor();
});
