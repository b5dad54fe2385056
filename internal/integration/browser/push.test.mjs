import { test } from "node:test";
import assert from "node:assert/strict";
import { base, open, until } from "./fixture.mjs";

// No push service can be reached from here: the page subscribes to a stand-in,
// and pushes come through the DevTools protocol. All else is the browser's own.
const pretend = () => {
  const subscription = { endpoint: "https://push.example/1", options: { applicationServerKey: null }, toJSON: () => ({ endpoint: "https://push.example/1", keys: { p256dh: "p", auth: "a" } }), unsubscribe: async () => (localStorage.removeItem("subscribed"), true) };
  PushManager.prototype.getSubscription = async () => (localStorage.getItem("subscribed") ? subscription : null);
  PushManager.prototype.subscribe = async (options) => {
    window.asked = options;
    localStorage.setItem("subscribed", "1");
    return subscription;
  };
};

const section = (page) => page.locator("notify-preferences [part=push]");
const shown = (page) => section(page).getAttribute("data-state");

test("nobody is asked out of the blue, and a click subscribes", async (t) => {
  const me = await open(t);
  await me.context.addInitScript(pretend);
  await me.context.addInitScript(() => {
    window.questions = 0;
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = () => (window.questions++, ask());
  });
  const page = await me.goto("/notify/preferences");
  await until(() => shown(page), "default", "state");
  assert.equal(await page.evaluate(() => window.questions), 0);
  await me.context.grantPermissions(["notifications"], { origin: base });
  await page.reload();
  await until(() => shown(page), "unsubscribed", "state");
  await page.getByRole("button", { name: "Turn on" }).click();
  await until(() => shown(page), "active", "state");
  assert.equal(await page.evaluate(() => window.asked.userVisibleOnly), true);
  assert.equal(await page.evaluate(() => window.asked.applicationServerKey.length), 65);
  const list = await (await me.context.request.get(base + "/notify/api/v1/push/subscriptions")).json();
  assert.equal(list.items.length, 1);
  assert.match(list.items[0].device_name, /\w/);

  await page.getByRole("button", { name: "Send me a test" }).click();
  await page.getByText("It is on its way.").waitFor();
  await page.getByRole("button", { name: "Send me a test" }).click();
  await page.getByText("Please wait a moment").waitFor();
  await page.getByRole("button", { name: "Turn off" }).click();
  await until(() => shown(page), "unsubscribed", "state");
  assert.equal((await (await me.context.request.get(base + "/notify/api/v1/push/subscriptions")).json()).items.length, 0);
  me.quiet(/429/);
});

test("each visit tells the server that the subscription is still there", async (t) => {
  const me = await open(t, { permissions: ["notifications"] });
  await me.context.addInitScript(pretend);
  const page = await me.goto("/notify/preferences");
  await page.getByRole("button", { name: "Turn on" }).click();
  await until(() => shown(page), "active", "state");
  const puts = [];
  me.context.on("request", (request) => request.method() === "PUT" && puts.push(request.url()));
  await page.reload();
  await until(() => shown(page), "active", "state");
  await until(() => puts.length, 1, "registrations");
  assert.match(puts[0], /push\/subscriptions$/);

  // A page with a bell only, at which somebody else has signed in meanwhile.
  const bell = await me.goto();
  await until(() => puts.length, 2, "registrations");
  await bell.close();
  await page.getByRole("button", { name: "Turn off" }).click();
  await until(() => shown(page), "unsubscribed", "state");
  const before = puts.length;
  const asked = me.context.waitForEvent("request", (request) => request.url().endsWith("/more.js"));
  await me.goto();
  await asked; // by what renews
  await page.waitForTimeout(500);
  assert.equal(puts.length, before, "what was turned off stays off");
});

test("turning off holds without the server, and the host's own worker is left alone", async (t) => {
  const me = await open(t, { permissions: ["notifications"] });
  await me.context.addInitScript(pretend);
  const page = await me.goto("/notify/preferences");
  await page.evaluate(() => localStorage.setItem("subscribed", "1"));
  await page.evaluate(() => navigator.serviceWorker.register("/host-worker.js", { scope: "/" }));
  await page.reload();
  await until(() => shown(page), "unsubscribed", "the subscription is the host's");
  await page.getByRole("button", { name: "Turn on" }).click();
  await until(() => shown(page), "active", "state");
  await page.route("**/push/subscriptions", (route) => route.abort());
  await page.getByRole("button", { name: "Turn off" }).click();
  await until(() => shown(page), "unsubscribed", "state");
});

test("who has said no is told how to change that", async (t) => {
  const me = await open(t);
  await me.context.addInitScript(() => Object.defineProperty(Notification, "permission", { get: () => "denied" }));
  const page = await me.goto("/notify/preferences");
  await until(() => shown(page), "denied", "state");
  await page.getByText("Allow them in the settings of the browser").waitFor();
  assert.equal(await section(page).getByRole("button").count(), 0);
});

test("a browser that cannot is told, an iPhone is told how", async (t) => {
  const me = await open(t);
  await me.context.addInitScript(() => delete window.PushManager);
  const page = await me.goto("/notify/preferences");
  await until(() => shown(page), "unsupported", "state");
  const phone = await open(t, { userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 Version/18.4 Mobile/15E148 Safari/604.1" });
  await phone.context.addInitScript(() => delete window.PushManager);
  const there = await phone.goto("/notify/preferences");
  await until(() => shown(there), "needs-install", "state");
});

/** A page with the worker installed, and what pushes a message to it. */
async function worker(t) {
  const me = await open(t, { permissions: ["notifications"] });
  const page = await me.goto();
  const scope = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.register("/notify/sw/worker.js", { scope: "/notify/sw/" });
    const pending = registration.installing ?? registration.waiting;
    if (pending) await new Promise((resolve) => pending.addEventListener("statechange", () => pending.state === "activated" && resolve()));
    return registration.scope;
  });
  const devtools = await me.context.newCDPSession(page);
  const ids = [];
  devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => ids.push(...registrations.filter((one) => one.scopeURL === scope).map((one) => one.registrationId)));
  await devtools.send("ServiceWorker.enable");
  await until(() => ids.length, (n) => n > 0, "registrations");
  // What the worker has shown is asked of the worker: to ask the browser while it
  // is about to show something can make it forget that.
  const [running] = me.context.serviceWorkers();
  await running.evaluate(() => {
    self.shown = [];
    const show = ServiceWorkerRegistration.prototype.showNotification;
    ServiceWorkerRegistration.prototype.showNotification = async function (title, options) {
      await show.call(this, title, options);
      self.shown.push({ title, ...options });
    };
  });
  const shown = () => running.evaluate(() => self.shown);
  const push = async (data) => {
    const before = (await shown()).length;
    await devtools.send("ServiceWorker.deliverPushMessage", { origin: base, registrationId: ids[0], data });
    await until(async () => (await shown()).length, before + 1, "shown");
    await page.waitForTimeout(200);
    return (await shown()).at(-1);
  };
  const notifications = () => page.evaluate(async (at) => {
    const registration = await navigator.serviceWorker.getRegistration(at);
    return (await registration.getNotifications()).map(({ title, body, tag, lang, dir, silent, data }) => ({ title, body, tag, lang, dir, silent, data }));
  }, scope);
  return { me, page, scope, push, notifications };
}

test("a push is shown, whatever is in it", async (t) => {
  const { page, scope, push, notifications } = await worker(t);
  assert.equal(new URL(scope).pathname, "/notify/sw/");
  assert.equal(await page.evaluate(() => navigator.serviceWorker.controller), null, "pages of the host stay the host's");
  const first = await push(JSON.stringify({ web_push: 8030, app_badge: 3, notification: { title: "Invoice 17", body: "Due", tag: "t1", lang: "de", dir: "ltr", navigate: base + "/page", data: { id: "x" } } }));
  assert.deepEqual([first.title, first.body, first.tag, first.lang, first.dir, first.data.navigate], ["Invoice 17", "Due", "t1", "de", "ltr", base + "/page"]);
  const titles = [];
  for (const data of ["not JSON", "[]", "null", "{}", '{"notification":7}', '{"notification":{"title":{"a":1},"actions":"x","data":3,"dir":"up"}}', '{"notification":{"title":"hollow","actions":[null]}}']) {
    titles.push((await push(data)).title);
  }
  assert.deepEqual(titles, [...Array(6).fill(new URL(base).host), "hollow"], "without a title it is the name of the site");
  await push(JSON.stringify({ notification: { title: "Invoice 17, again", tag: "t1" } }));
  assert.deepEqual((await notifications()).filter((one) => one.tag === "t1").map((one) => one.title), ["Invoice 17, again"], "one of each tag");
});

test("a click goes to a page of this site only", async (t) => {
  const { me, page } = await worker(t);
  // The click itself cannot be made from here: the handler is called in a worker of the same code.
  const [running] = me.context.serviceWorkers();
  const opened = await running.evaluate(async () => {
    const seen = [];
    self.clients.openWindow = async (url) => (seen.push(url), null);
    self.clients.matchAll = async () => [];
    for (const navigate of ["/page?here", "https://evil.example/", "javascript:alert(1)", "//evil.example/x", ""]) await open({ navigate }, "");
    return seen;
  });
  assert.deepEqual(opened, [base + "/page?here", ...Array(4).fill(base + "/notify/inbox")]);
  const focused = await running.evaluate(async (at) => {
    const seen = [];
    const client = { url: at, focus: async () => seen.push("focus"), navigate: async (url) => seen.push(url) };
    self.clients.matchAll = async () => [client];
    self.clients.openWindow = async () => null;
    await open({ navigate: at }, "");
    await open({ navigate: "/page?other" }, "");
    return seen;
  }, page.url());
  assert.deepEqual(focused, ["focus"], "another page is left alone");
});
