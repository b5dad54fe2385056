// The service worker: it shows what was pushed, and nothing else. Its scope is
// narrow, so that a worker of the host stays in charge of the pages. A host that
// has room for one only can importScripts() this one.

const base = new URL("../", self.location.href);

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// Always something is shown: browsers take the permission from who is silent.
self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

async function show(data) {
  let message = {};
  try {
    message = data?.json() ?? {};
  } catch {
    // Not for us, or broken: there is still something to tell.
  }
  const n = (typeof message?.notification === "object" && message.notification) || {};
  const title = text(n.title) || self.location.host;
  const options = {
    body: text(n.body), tag: text(n.tag), lang: text(n.lang), dir: ["ltr", "rtl"].includes(n.dir) ? n.dir : "auto",
    silent: n.silent === true, icon: within(n.icon) || undefined, timestamp: Number(n.timestamp) || undefined,
    data: { ...(typeof n.data === "object" ? n.data : {}), navigate: text(n.navigate) },
    actions: (Array.isArray(n.actions) ? n.actions : []).slice(0, 2).map((a) => ({ action: text(a?.navigate ?? a?.action), title: text(a?.title) })).filter((a) => a.title),
  };
  await self.registration.showNotification(title, options);
  const badge = Number(message.app_badge ?? n.app_badge);
  if (Number.isFinite(badge)) await (badge > 0 ? self.navigator.setAppBadge?.(badge) : self.navigator.clearAppBadge?.());
}

const text = (value) => (typeof value === "string" ? value : "");

// Only pages of this site are opened; another link leads through the inbox.
function within(link) {
  try {
    const url = new URL(text(link) || "x:", base);
    return url.origin === self.location.origin && url.protocol.startsWith("http") ? url.href : "";
  } catch {
    return "";
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data ?? {}, event.action));
});

async function open(data, action) {
  const url = within(action || data.navigate) || new URL("inbox", base).href;
  if (data.id) {
    // Best effort: the page reads it anyhow.
    fetch(new URL("api/v1/notifications/" + encodeURIComponent(data.id), base), {
      method: "PATCH", credentials: "same-origin", keepalive: true, headers: { "Content-Type": "application/json" }, body: '{"read":true}',
    }).catch(() => {});
  }
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  // Another page of this site is left alone: this worker may not steer it, it may
  // hold work that is not saved, and a click allows one window only.
  const there = windows.find((client) => client.url === url);
  return there ? there.focus() : self.clients.openWindow(url);
}

// Both fields of the event can be missing; the page finds out at its next visit too.
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.oldSubscription)));

async function renew(old) {
  const response = await fetch(new URL("api/v1/push", base), { credentials: "same-origin" });
  const { vapid_public_key: key } = await response.json();
  const raw = Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const fresh = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: raw });
  const { endpoint, keys } = fresh.toJSON();
  await fetch(new URL("api/v1/push/subscriptions", base), {
    method: "PUT", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ endpoint, keys, replaces: old?.endpoint || undefined }),
  });
}
