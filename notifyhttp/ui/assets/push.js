// Push to this browser: whether it can, may and does, and how to make it.

import { h } from "./element.js";
import { english } from "./texts.js";

Object.assign(english, {
  pushTitle: "Push to this browser",
  pushUnsupported: "This browser has no push notifications.",
  pushInstall: "Add this page to the Home Screen and open it from there to get notifications.",
  pushDefault: "Your browser will ask you to allow it.",
  pushDenied: "They are blocked. Allow them in the settings of the browser for this site, then load the page again.",
  pushUnsubscribed: "Allowed, but not in use.",
  pushActive: "This browser gets your notifications.",
  pushOn: "Turn on",
  pushOff: "Turn off",
  pushTest: "Send me a test",
  pushSent: "It is on its way.",
  pushSoon: "Please wait a moment before the next test.",
  pushWhy: "It would not come: the channel is off for you.",
  testTitle: "A test",
  testBody: "So this is what a notification looks like.",
});

/**
 * "unsupported", "needs-install" (iOS: only from the Home Screen), "default" (never
 * asked), "denied", "unsubscribed" (allowed, but not in use), "active", or "off":
 * the host offers no push.
 * @param {import("./client.js").NotifyClient} client
 */
export async function pushState(client) {
  const { body } = await client.request("GET", "api/v1/push");
  if (!body.vapid_public_key) return "off";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    const apple = /iP(hone|ad|od)/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
    return apple && !matchMedia("(display-mode: standalone)").matches ? "needs-install" : "unsupported";
  }
  if (Notification.permission !== "granted") return Notification.permission;
  return (await current(client)) ? "active" : "unsubscribed";
}

const current = async (client) => (await client.worker())?.pushManager.getSubscription();

async function subscribe(client) {
  const key = (await client.request("GET", "api/v1/push")).body.vapid_public_key;
  if (!key) return;
  const worker = await navigator.serviceWorker.register(client.url("sw/worker.js"), { scope: client.url("sw/"), updateViaCache: "none" });
  await active(worker);
  const raw = Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  let subscription = await worker.pushManager.getSubscription();
  let replaces;
  const used = subscription?.options.applicationServerKey;
  if (subscription && used && String(new Uint8Array(used)) !== String(raw)) {
    // The host has a new key: the browser takes none beside the old one.
    replaces = subscription.endpoint;
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: raw });
  await client.request("PUT", "api/v1/push/subscriptions", { ...pick(subscription), device_name: device(), locale: document.documentElement.lang || navigator.language, replaces });
}

// What became of a worker that could not be installed, subscribing tells.
function active(worker) {
  const pending = worker.installing ?? worker.waiting;
  return (
    worker.active || new Promise((resolve) => pending.addEventListener("statechange", () => /activated|redundant/.test(pending.state) && resolve()))
  );
}

function device() {
  const system = navigator.userAgentData?.platform || /\((?:[^;)]*; )?([^;)]+)/.exec(navigator.userAgent)?.[1] || "";
  const name = navigator.userAgentData?.brands?.find(({ brand }) => !/not|chromium/i.test(brand))?.brand || /(Firefox|Edg|Chrome|Safari)/.exec(navigator.userAgent)?.[1] || "Browser";
  return (name + (system && ", " + system)).slice(0, 80);
}

/** Only from a click: a browser that is asked out of the blue says no for good. */
export async function enablePush(element) {
  const { client } = element;
  if ((await Notification.requestPermission()) === "granted") await subscribe(client);
  return told(element);
}

async function told(element) {
  const state = await pushState(element.client);
  element.fire("push-state", { state });
  return state;
}

/** Also for signing out: a shared computer must not show the former user's texts. */
export async function disablePush(element) {
  const { client } = element;
  const subscription = await current(client);
  if (subscription) {
    // Here first of all: without the server, too, this browser shows no more.
    const known = await client.request("PUT", "api/v1/push/subscriptions", pick(subscription)).catch(() => null);
    await subscription.unsubscribe();
    if (known) await client.request("DELETE", "api/v1/push/subscriptions/" + encodeURIComponent(known.body.id));
  }
  return told(element);
}

const pick = (subscription) => {
  const { endpoint, keys } = subscription.toJSON();
  return { endpoint, keys };
};

/** Tells the server of the subscription, if there is one. */
export async function keepPush(client) {
  if (await current(client)) await subscribe(client);
}

/** The part of the settings about this browser. */
export class PushSetup {
  constructor(host) {
    this.host = host;
    this.state = "";
    this.element = h("section", { part: "push", "aria-labelledby": "push", hidden: true });
    this.status = h("p", { role: "status" });
  }

  async start(signal) {
    try {
      this.set(await pushState(this.host.client));
    } catch (error) {
      if (!signal.aborted) this.host.fail(error);
    }
  }

  set(state) {
    this.state = state;
    this.render();
  }

  render() {
    const { host, state } = this;
    this.element.hidden = !state || state === "off";
    if (this.element.hidden) return;
    const names = { unsupported: "pushUnsupported", "needs-install": "pushInstall", default: "pushDefault", denied: "pushDenied", unsubscribed: "pushUnsubscribed", active: "pushActive" };
    const act = (make) => async () => {
      try {
        this.set(await make(host));
      } catch (error) {
        host.fail(error, (text) => (this.status.textContent = text));
      }
    };
    this.element.dataset.state = state;
    this.element.replaceChildren(
      h("h2", { id: "push" }, host.t("pushTitle")),
      h("p", {}, host.t(names[state])),
      ...[(state === "default" || state === "unsubscribed") && h("button", { type: "button", onclick: act(enablePush) }, host.t("pushOn")),
      state === "active" && h("button", { type: "button", onclick: () => this.test() }, host.t("pushTest")),
      state === "active" && h("button", { type: "button", onclick: act(disablePush) }, host.t("pushOff"))].filter(Boolean),
      this.status,
    );
  }

  async test() {
    const { host } = this;
    try {
      await host.client.request("POST", "api/v1/preferences/test", { channel: "browser", title: host.t("testTitle"), body: host.t("testBody") });
      this.status.textContent = host.t("pushSent");
    } catch (error) {
      host.fail(error, (text) => (this.status.textContent = { 409: host.t("pushWhy"), 429: host.t("pushSoon") }[error.status] ?? text));
    }
  }
}
