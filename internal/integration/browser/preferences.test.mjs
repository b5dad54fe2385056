import { test } from "node:test";
import assert from "node:assert/strict";
import { focused, open, until } from "./fixture.mjs";

const rows = (page) => page.locator("tbody th span:first-child").allTextContents();
const box = (page, name) => page.getByRole("checkbox", { name });
const status = (page) => page.locator("[part=status]");
const save = (page) => page.locator("[part=save]");

async function settings(t, options) {
  const me = await open(t, options);
  const page = await me.goto("/notify/preferences");
  await page.locator("[part=table]").waitFor();
  /** What the server has, whatever the page shows. */
  const stored = async () => (await me.context.request.get(new URL("api/v1/preferences", page.url()).href)).json();
  return { me, page, stored };
}

test("the settings show what is always on, what is required, and what is chosen", async (t) => {
  const { me, page } = await settings(t);
  assert.deepEqual(await rows(page), ["Billing", "Chat", "New leads"]);
  const always = box(page, "In the app, Billing, always on");
  assert.ok(await always.isChecked());
  assert.ok(await always.isDisabled());
  const required = box(page, "Mobile, Billing, required by Billing");
  assert.ok(await required.isChecked());
  assert.ok(await required.isDisabled());
  assert.ok(await box(page, "E-mail, Chat").isChecked());
  assert.ok(!(await box(page, "E-mail, New leads").isChecked()), "off by default");
  assert.ok(await page.getByRole("switch", { name: "Receive notifications" }).isChecked());
  assert.equal(await page.getByRole("radio", { checked: true }).count(), 0, "some e-mails come at once, some daily");
  assert.equal(await page.getByLabel("At", { exact: true }).inputValue(), "18:00");
  assert.ok(await save(page).isDisabled(), "there is nothing to save");
  me.quiet();
});

test("saving keeps just what was changed", async (t) => {
  const { me, page, stored } = await settings(t);
  await page.getByRole("radio", { name: "Once a day" }).check();
  await box(page, "E-mail, New leads").check();
  await page.getByRole("button", { name: "Move New leads up" }).click();
  assert.match(await status(page).textContent(), /New leads moved to position 2 of 3|unsaved/);
  await page.getByLabel("At", { exact: true }).fill("07:30");
  await page.getByLabel("At", { exact: true }).blur();
  await until(() => status(page).textContent(), "There are unsaved changes.", "status");
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  const now = await stored();
  assert.deepEqual(now.providers.map((row) => row.key), ["billing", "leads", "chat"]);
  assert.equal(now.digest.at, "07:30");
  assert.equal(now.providers.find((row) => row.key === "leads").channels.email.mode, "daily");
  assert.equal(now.providers.find((row) => row.key === "chat").channels.email.choice, "", "a default is not copied");
  assert.equal(now.enabled, true);
  await page.reload();
  await page.locator("[part=table]").waitFor();
  assert.deepEqual(await rows(page), ["Billing", "New leads", "Chat"]);
  me.quiet();
});

test("one mode for the e-mail of all, and what was off stays off", async (t) => {
  const { page, stored } = await settings(t);
  await page.getByRole("radio", { name: "At the time of the event" }).check();
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  const cells = (await stored()).providers.map((row) => [row.key, row.channels.email.mode]);
  assert.deepEqual(cells, [["billing", "immediate"], ["chat", "immediate"], ["leads", "off"]]);
  for (const name of ["Billing", "Chat"]) await box(page, "E-mail, " + name).uncheck();
  assert.equal(await page.getByRole("radio").count(), 0, "no e-mail, no mode");
});

test("the master switch keeps every choice", async (t) => {
  const { page, stored } = await settings(t);
  await box(page, "Browser, Chat").uncheck();
  await page.getByRole("switch", { name: "Receive notifications" }).click();
  await page.getByText("You still find everything in the app.").waitFor();
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  assert.equal((await stored()).enabled, false);
  assert.ok(!(await box(page, "Browser, Chat").isChecked()));
  assert.ok(await box(page, "Browser, Billing").isChecked(), "it shows what comes back with the switch");
  await page.getByRole("switch", { name: "Receive notifications" }).click();
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  const now = await stored();
  assert.equal(now.enabled, true);
  assert.equal(now.providers.find((row) => row.key === "chat").channels.browser.mode, "off");
  assert.equal(now.providers.find((row) => row.key === "billing").channels.browser.mode, "immediate");
});

test("the order can be changed by keyboard and by mouse", async (t) => {
  const { page, stored } = await settings(t);
  await page.getByRole("button", { name: "Move Billing down" }).focus();
  await page.keyboard.press("Enter");
  assert.deepEqual(await rows(page), ["Chat", "Billing", "New leads"]);
  assert.equal(await status(page).textContent(), "Billing moved to position 2 of 3");
  await page.keyboard.press("Enter");
  assert.deepEqual(await rows(page), ["Chat", "New leads", "Billing"], "the focus went along");
  assert.match(await focused(page), /button/, "and is not lost at the end");
  await page.locator("tr[data-key=billing] th").dragTo(page.locator("tr[data-key=chat] th"));
  assert.deepEqual(await rows(page), ["Billing", "Chat", "New leads"]);
  await page.locator("tr[data-key=leads] th").dragTo(page.locator("tr[data-key=billing] th"));
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  assert.deepEqual((await stored()).providers.map((row) => row.key), ["leads", "billing", "chat"]);
});

test("two tabs: a clean form follows, a dirty one asks", async (t) => {
  const { me, page, stored } = await settings(t);
  const other = await me.goto("/notify/preferences");
  const dirty = await me.goto("/notify/preferences");
  for (const tab of [other, dirty]) await tab.locator("[part=table]").waitFor();
  await box(dirty, "Browser, Chat").uncheck();
  await box(page, "E-mail, Chat").uncheck();
  await save(page).click();
  await until(() => box(other, "E-mail, Chat").isChecked(), false, "the clean form");
  await dirty.getByText("The settings were changed elsewhere meanwhile.").waitFor();
  await dirty.getByRole("button", { name: "Save mine" }).click();
  await until(() => status(dirty).textContent(), "Saved", "status");
  const chat = (await stored()).providers.find((row) => row.key === "chat").channels;
  assert.deepEqual([chat.email.mode, chat.browser.mode], ["off", "off"], "both changes are there");
});

test("a stale form is told by the server too", async (t) => {
  const { me, page, stored } = await settings(t);
  await page.evaluate(() => document.querySelector("notify-preferences").client.live.close());
  await me.context.request.patch(new URL("api/v1/preferences", page.url()).href, { data: { digest: { at: "06:00" } } });
  await box(page, "Browser, Chat").uncheck();
  await save(page).click();
  await page.getByText("The settings were changed elsewhere meanwhile.").waitFor();
  assert.equal((await stored()).digest.at, "06:00");
  await page.getByRole("button", { name: "Show those" }).click();
  await until(() => page.getByLabel("At", { exact: true }).inputValue(), "06:00", "the form");
  assert.ok(await box(page, "Browser, Chat").isChecked());
  me.quiet(/412/);
});

test("while everything is muted, off by default is shown as off", async (t) => {
  const { me, page } = await settings(t);
  await me.context.request.patch(new URL("api/v1/preferences", page.url()).href, { data: { enabled: false } });
  await page.reload();
  await page.locator("[part=table]").waitFor();
  assert.ok(!(await box(page, "E-mail, New leads").isChecked()));
  assert.ok(await box(page, "E-mail, Chat").isChecked());
});

test("an element that is moved, and a save, keep what is edited meanwhile", async (t) => {
  const { me, page, stored } = await settings(t);
  await box(page, "Browser, Chat").uncheck();
  await page.evaluate(() => document.body.append(document.querySelector("notify-preferences")));
  await page.waitForTimeout(300);
  assert.ok(!(await box(page, "Browser, Chat").isChecked()), "after a move");
  await page.route("**/api/v1/preferences", async (route) => {
    if (route.request().method() === "PUT") await box(page, "Browser, Billing").uncheck();
    await route.continue();
  });
  await save(page).click();
  await until(() => page.locator("[part=save]").isEnabled(), true, "what was edited during the save");
  assert.ok(!(await box(page, "Browser, Billing").isChecked()));
  await page.unroute("**/api/v1/preferences");
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  const modes = (await stored()).providers.map((row) => row.channels.browser.mode);
  assert.deepEqual(modes.slice(0, 2), ["off", "off"]);
  me.quiet();
});

test("leaving with unsaved changes is asked about", async (t) => {
  const { page } = await settings(t);
  let asked = 0;
  page.on("dialog", (dialog) => (asked++, dialog.accept()));
  await page.reload();
  assert.equal(asked, 0);
  await page.locator("[part=table]").waitFor();
  await box(page, "Browser, Chat").uncheck();
  await page.reload();
  assert.equal(asked, 1);
});

test("a save that fails loses nothing", async (t) => {
  const { page, stored } = await settings(t);
  await box(page, "Browser, Chat").uncheck();
  await page.route("**/api/v1/preferences", (route) => (route.request().method() === "PUT" ? route.abort() : route.continue()));
  await save(page).click();
  await until(() => status(page).textContent(), (text) => /no connection|unsaved/.test(text), "status");
  assert.ok(!(await box(page, "Browser, Chat").isChecked()));
  await page.unroute("**/api/v1/preferences");
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  assert.equal((await stored()).providers.find((row) => row.key === "chat").channels.browser.mode, "off");
});

test("the zone of the browser is one click away", async (t) => {
  const { page, stored } = await settings(t, { timezoneId: "Asia/Kolkata" });
  await page.getByRole("button", { name: /Use Asia\/(Kolkata|Calcutta)/ }).click();
  assert.match(await focused(page), /^input/, "the button has gone, the focus has not");
  await save(page).click();
  await until(() => status(page).textContent(), "Saved", "status");
  assert.match((await stored()).digest.time_zone, /Asia\/(Kolkata|Calcutta)/);
});
