// The list of notifications, in the panel and on the page of the inbox.

import { h } from "./element.js";
import { english } from "./texts.js";

Object.assign(english, {
  pill: "Show {0} new",
  unread: "Unread",
  all: "All",
  archived: "Archived",
  snoozed: "Snoozed",
  filter: "Show",
  markAll: "Mark all as read",
  empty: "Nothing here yet",
  emptyUnread: "You have read everything",
  loading: "Loading",
  more: "Load more",
  retry: "Try again",
  markRead: "Mark as read",
  markUnread: "Mark as unread",
  archive: "Archive",
  unarchive: "Move to inbox",
  snooze: "Snooze",
  hour: "For an hour",
  tomorrow: "Until tomorrow",
  week: "For a week",
  repeats: "and {0} more",
  shortcuts: "j, k: next, previous · u: read or unread · e: archive · Shift+A: all read",
});

/** What every element but the bell needs on top of the looks of the bell. */
export const common = `
:host {
  --_accent-text: var(--notify-accent-text, light-dark(#fff, #062e6f));
  --_muted: var(--notify-muted, light-dark(#5a5d63, #a9adb5));
  --_border: var(--notify-border, light-dark(#d5d8de, #44474d));
  --_line: light-dark(#767a82, #8b8f98);
  --_unread: var(--notify-unread, light-dark(#eef3fd, #232b3a));
  --_danger: var(--notify-danger, light-dark(#b3261e, #f2b8b5));
}
select, input { font: inherit; color: inherit }
.button { min-height: 32px; padding: 4px 10px; border: 1px solid transparent; border-radius: var(--_radius); text-decoration: none; color: inherit; display: inline-flex; align-items: center; gap: 6px }
.button:hover { background: var(--_hover) }
a { color: var(--_accent) }
@media (pointer: coarse) { .button, select { min-height: 44px; min-width: 44px } }
`;

const listLook = `
.scroll { overflow: auto; overscroll-behavior: contain; flex: 1; min-height: 96px; position: relative }
[part=list] { display: block }
[part~=item] {
  position: relative; display: grid; grid-template-columns: auto 1fr; column-gap: 10px; padding: 12px 12px 8px;
  border-block-end: 1px solid var(--_border); border-inline-start: 4px solid transparent;
}
[part~=item]:focus-visible { outline-offset: -3px }
[part~=item]:hover { background: var(--_hover) }
[part~=item-unread] { background: var(--_unread); border-inline-start-color: var(--_accent) }
[part~=item-unread] [part=item-title] { font-weight: 600 }
[part=item-icon] { width: 32px; height: 32px; border-radius: 6px; object-fit: cover; grid-row: span 3 }
.main { grid-column: 2; min-width: 0 }
[part=item-title] { display: block; color: inherit; text-decoration: none; overflow-wrap: anywhere }
a[part=item-title]:hover { text-decoration: underline }
[part=item-body] { margin: 2px 0 0; color: var(--_fg); white-space: pre-line; overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; overflow: hidden }
dl { margin: 4px 0 0; display: grid; grid-template-columns: auto 1fr; gap: 0 10px; font-size: .9em }
dt { color: var(--_muted) } dd { margin: 0; overflow-wrap: anywhere }
.meta { color: var(--_muted); font-size: .85em; margin-block-start: 4px; display: flex; flex-wrap: wrap; gap: 0 8px }
[part=item-actions] { display: flex; flex-wrap: wrap; gap: 4px; margin-block-start: 6px }
[part=item-action] { border-color: var(--_line) }
.tools { display: flex; flex-wrap: wrap; gap: 2px; margin-block-start: 2px; margin-inline-start: -8px; font-size: .8em; color: var(--_muted) }
.tools button { padding-inline: 8px }
.tools select { border: 1px solid transparent; border-radius: var(--_radius); background: transparent; color: inherit; max-width: 9em; min-height: 32px }
.tools option { background: var(--_bg); color: var(--_fg) }
@media (pointer: coarse) { .tools select { min-height: 44px } }
[part=pill] { position: sticky; inset-block-start: 8px; z-index: 1; display: flex; width: max-content; margin: 8px auto; background: var(--_accent); color: var(--_accent-text); border-radius: 999px; box-shadow: 0 2px 8px rgb(0 0 0 / .3) }
[part=pill]:hover { background: var(--_accent) }
[part=empty], [part=error] { padding: 32px 16px; text-align: center; color: var(--_muted) }
[part=error] { color: var(--_danger) }
[hidden] { display: none !important }
.more { display: flex; justify-content: center; padding: 8px }
[part=tabs] { display: flex; gap: 2px; border: 0; margin: 0; padding: 0; min-width: 0 }
[part=tab][aria-pressed=true] { background: var(--_hover); font-weight: 600; text-decoration: underline; text-underline-offset: 4px }
.help { color: var(--_muted); font-size: .8em; padding: 6px 12px; margin: 0 }
`;

export class Feed {
  /**
   * @param {import("./element.js").NotifyElement} host
   * @param {{seen?: boolean, states?: string[]}} [options] seen: what is shown counts as seen
   */
  constructor(host, { seen = false, states = ["", "unread"] } = {}) {
    this.host = host;
    this.seen = seen;
    this.state = "";
    /** @type {import("./client.js").Item[]} */ this.items = [];
    this.waiting = new Set();
    host.use(common);
    host.use(listLook);
    this.list = h("div", { part: "list", role: "feed", "aria-busy": "false", onkeydown: (event) => this.key(event) });
    this.pill = h("button", { part: "pill", type: "button", hidden: true, onclick: () => this.reload(true) });
    this.note = h("div", { part: "empty", hidden: true });
    this.noteText = h("p");
    this.retry = h("button", { type: "button", hidden: true, onclick: () => this.reload() });
    this.note.append(h("slot", { name: "empty" }, this.noteText), this.retry);
    this.more = h("button", { type: "button", onclick: () => this.append() });
    this.moreRow = h("div", { class: "more", hidden: true }, this.more);
    this.help = h("p", { class: "help", hidden: true });
    this.element = h("div", { class: "scroll" }, this.pill, this.list, this.note, this.moreRow, this.help);
    this.tabs = h("div", { part: "tabs", role: "group" });
    this.buttons = states.map((state) => {
      const button = h("button", { part: "tab", type: "button", "aria-pressed": String(state === ""), onclick: () => this.filter(state) });
      button.state = state;
      return button;
    });
    this.tabs.append(...this.buttons);
    this.observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.append());
  }

  t(...names) {
    return this.host.t(...names);
  }

  start() {
    this.abort?.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    const { client } = this.host;
    client.addEventListener("item", ({ detail }) => this.arrived(detail.item), { signal });
    client.addEventListener("change", ({ detail }) => this.changed(detail), { signal });
    client.addEventListener("resync", () => this.resync(), { signal });
    this.clock = setInterval(() => this.tick(), 30_000);
    this.observer.observe(this.moreRow);
    this.speak();
    return this.reload();
  }

  stop() {
    this.abort?.abort();
    clearInterval(this.clock);
    this.observer.disconnect();
  }

  /** Draws the words anew. */
  speak() {
    const names = { "": "all", unread: "unread", archived: "archived", snoozed: "snoozed" };
    this.tabs.setAttribute("aria-label", this.t("filter"));
    for (const button of this.buttons) button.textContent = this.t(names[button.state]);
    this.list.setAttribute("aria-label", this.t("notifications"));
    this.more.textContent = this.t("more");
    this.retry.textContent = this.t("retry");
    this.help.textContent = this.t("shortcuts");
    this.draw();
  }

  filter(state) {
    this.state = state;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.state === state));
    return this.reload();
  }

  query(cursor) {
    return { state: this.state, cursor, limit: Number(this.host.getAttribute("page-size")) || 20, provider: this.host.getAttribute("provider") ?? "" };
  }

  /** @param {boolean} [focus] moves the focus to the newest item */
  async reload(focus) {
    const run = (this.run = {});
    const waited = [...this.waiting];
    this.busy(true);
    if (!this.items.length) this.say("loading");
    try {
      const page = await this.host.client.list(this.query());
      // A later one may be on its way.
      if (run !== this.run) return;
      this.items = page.items;
      this.next = page.next_cursor;
      this.head = page.head_cursor;
      // What has arrived since it was asked for may not be in it.
      for (const id of [...waited, ...this.items.map((item) => item.id)]) this.waiting.delete(id);
      this.draw();
      this.element.scrollTop = 0;
      if (focus) this.list.firstElementChild?.focus();
      if (this.seen && this.head && this.state === "" && page.counts.unseen) await this.host.client.mark("seen", this.head);
    } catch (error) {
      if (run === this.run) this.host.fail(error, (text) => this.say(null, text));
    } finally {
      if (run === this.run) this.busy(false);
    }
  }

  async append() {
    if (!this.next || this.appending || this.list.getAttribute("aria-busy") === "true") return;
    this.appending = true;
    this.busy(true);
    const run = this.run;
    try {
      const page = await this.host.client.list(this.query(this.next));
      if (run !== this.run) return;
      const known = new Set(this.items.map((item) => item.id));
      this.items.push(...page.items.filter((item) => !known.has(item.id)));
      this.next = page.next_cursor;
      this.more.textContent = this.t("more");
      this.draw();
      // What is in view still is told again only to who begins to look.
      this.observer.unobserve(this.moreRow);
      this.observer.observe(this.moreRow);
    } catch (error) {
      this.host.fail(error, (text) => {
        this.more.textContent = text + " " + this.t("retry");
      });
    } finally {
      this.appending = false;
      this.busy(false);
    }
  }

  busy(is) {
    this.list.setAttribute("aria-busy", String(is));
  }

  say(name, text) {
    this.note.hidden = false;
    this.note.setAttribute("part", text ? "error" : "empty");
    this.noteText.textContent = text ?? this.t(name);
    this.retry.hidden = !text;
  }

  /** What arrives does not move what is being read: a pill tells of it. */
  arrived(item) {
    const { state, provider } = this.query();
    if (/^[as]/.test(state) || (provider && provider !== item.provider.key)) return;
    if (this.items.some(({ id, created_at }) => id === item.id && created_at === item.created_at)) return;
    if (!this.items.length && !this.waiting.size) return void this.reload();
    this.waiting.add(item.id);
    this.pill.textContent = this.t("pill", this.waiting.size);
    this.pill.hidden = false;
  }

  changed({ ids, changes }) {
    if (!ids) return void this.resync();
    for (const item of this.items) {
      if (!ids.includes(item.id)) continue;
      const now = new Date().toISOString();
      if ("read" in changes) item.read_at = changes.read ? (item.read_at ?? now) : null;
      if ("archived" in changes) item.archived_at = changes.archived ? now : null;
      if ("snoozed_until" in changes) item.snoozed_until = changes.snoozed_until;
    }
    this.draw();
  }

  /** Reads the shown part again; what is new stays behind the pill. */
  async resync() {
    const { run } = this;
    const waited = [...this.waiting];
    try {
      const page = await this.host.client.list(this.query());
      if (run !== this.run || this.abort?.signal.aborted) return;
      const fresh = new Map(page.items.map((item) => [item.id, item]));
      const shown = new Set(this.items.map((item) => item.id));
      if (!this.items.length) return void this.reload();
      const newest = this.items[0].created_at;
      // The first page is all that was asked for: what is older stays as it is.
      const oldest = page.next_cursor ? page.items.at(-1).created_at : "";
      const last = this.items.findLastIndex(({ id }) => fresh.has(id)); // one instant may have many
      this.items = this.items.flatMap((item, i) => fresh.get(item.id) ?? (item.created_at < oldest || (item.created_at === oldest && i > last) ? [item] : []));
      for (const item of page.items) {
        if (shown.has(item.id)) continue;
        // Only what is above is new; the rest came back, or moved up from the next page.
        const at = this.items.findIndex((other) => other.created_at < item.created_at);
        if (item.created_at > newest) this.waiting.add(item.id);
        else this.items.splice(at < 0 ? this.items.length : at, 0, item);
      }
      // A page of nothing but news does not reach the end of them.
      if (page.items.some(({ id }) => shown.has(id))) for (const id of waited) if (!fresh.has(id)) this.waiting.delete(id);
      this.draw();
    } catch (error) {
      this.host.fail(error);
    }
  }

  draw() {
    const belongs = (item) => {
      const snoozed = item.snoozed_until && Date.parse(item.snoozed_until) > Date.now();
      if (this.state === "archived") return item.archived_at;
      if (this.state === "snoozed") return snoozed;
      return !item.archived_at && !snoozed;
    };
    const keep = this.items.filter(belongs);
    const active = this.host.shadowRoot.activeElement?.closest?.("article");
    const index = active ? [...this.list.children].indexOf(active) : -1;
    const drawn = new Map([...this.list.children].map((article) => [article.dataset.key, article]));
    const articles = keep.map((item, i) => {
      // An item that looks as before keeps its element, and with it the focus.
      const key = JSON.stringify({ ...item, seen_at: null }) + this.host.language + (this.host.texts.language ?? "");
      const article = drawn.get(key) ?? this.article(item);
      article.dataset.key = key;
      article.dataset.id = item.id;
      article.setAttribute("aria-posinset", i + 1);
      article.setAttribute("aria-setsize", this.next ? -1 : keep.length);
      return article;
    });
    const focused = active?.dataset.id;
    const same = articles.length === this.list.children.length && articles.every((article, i) => article === this.list.children[i]);
    if (!same) {
      this.list.replaceChildren(...articles);
      if (focused) (articles.find((article) => article.dataset.id === focused) ?? articles[Math.min(index, articles.length - 1)])?.focus();
    }
    this.items = keep;
    this.note.hidden = keep.length > 0;
    if (!keep.length) this.say(this.state === "unread" ? "emptyUnread" : "empty");
    this.moreRow.hidden = !this.next;
    this.pill.hidden = !this.waiting.size;
    if (this.waiting.size) this.pill.textContent = this.t("pill", this.waiting.size);
    this.help.hidden = !keep.length || this.host.getAttribute("shortcuts") !== "on";
  }

  tick() {
    for (const time of this.list.querySelectorAll("time")) time.textContent = ago(time.dateTime, this.host.language);
  }

  /** @param {import("./client.js").Item} item */
  article(item) {
    const { host } = this;
    const custom = host.renderItem?.(item);
    const unread = !item.read_at;
    const id = "n" + item.id;
    const link = safe(item.link);
    const title = h(link ? "a" : "span", { part: "item-title", id, dir: "auto", href: link || null, onclick: (event) => this.follow(event, item, link), onauxclick: () => this.read(item) }, item.title);
    const picture = this.picture(item.icon_url || item.provider.icon_url);
    const tool = (name, act) => h("button", { type: "button", "data-tool": name, onclick: () => act() }, this.t(name));
    return h(
      "article",
      { part: unread ? "item item-unread" : "item", tabindex: "0", "aria-labelledby": id, "aria-describedby": id + "d" },
      picture,
      custom ? h("div", { class: "main", id: id + "d" }, custom) : h(
        "div",
        { class: "main" },
        unread && h("span", { class: "hidden" }, this.t("unread") + ": "),
        title,
        item.body && h("p", { part: "item-body", dir: "auto" }, item.body),
        item.rows.length > 0 && h("dl", {}, ...item.rows.flatMap((row) => [h("dt", { dir: "auto" }, row.label ?? ""), h("dd", { dir: "auto" }, row.text)])),
        h(
          "div",
          { class: "meta", id: id + "d" },
          h("span", { dir: "auto" }, item.provider.title),
          h("time", { part: "item-time", datetime: item.created_at, title: exactly(item.created_at, host.language) }, ago(item.created_at, host.language)),
          item.repeat_count > 0 && h("span", {}, this.t("repeats", item.repeat_count)),
        ),
        item.actions.length > 0 && h(
          "div",
          { part: "item-actions" },
          ...item.actions.map((action) => h(safe(action.href) ? "a" : "button", { part: "item-action", class: "button", href: safe(action.href) || null, dir: "auto", onclick: (event) => this.press(event, item, action) }, action.title)),
        ),
      ),
      h(
        "div",
        { class: "main tools" },
        tool(unread ? "markRead" : "markUnread", () => this.patch(item, { read: unread })),
        tool(item.archived_at ? "unarchive" : "archive", () => this.patch(item, { archived: !item.archived_at })),
        !item.archived_at && this.snooze(item),
      ),
    );
  }

  /** Pictures of other sites would tell them who reads, and break a strict policy. */
  picture(source) {
    const url = source && safe(source);
    if (!url || new URL(url).origin !== location.origin && this.host.getAttribute("icons") !== "any") return h("span");
    return h("img", { part: "item-icon", src: url, alt: "", loading: "lazy", referrerpolicy: "no-referrer", onerror: (event) => event.target.remove() });
  }

  snooze(item) {
    const hours = { hour: 1, tomorrow: 0, week: 168 };
    const select = h("select", { "aria-label": this.t("snooze") }, h("option", { value: "" }, this.t("snooze")), ...Object.keys(hours).map((name) => h("option", { value: name }, this.t(name))));
    select.addEventListener("change", () => {
      const until = new Date();
      if (select.value === "tomorrow") until.setDate(until.getDate() + 1), until.setHours(9, 0, 0, 0);
      else until.setTime(until.getTime() + hours[select.value] * 3_600_000);
      this.patch(item, { snoozed_until: until.toISOString() });
    });
    return select;
  }

  async patch(item, changes) {
    try {
      await this.host.client.patch(item.id, changes);
    } catch (error) {
      this.host.fail(error, (text) => this.host.announce?.(text));
    }
  }

  read(item) {
    if (!item.read_at) return this.patch(item, { read: true });
  }

  /** A plain click; with a modifier or the middle button the browser does it. */
  follow(event, item, href) {
    this.read(item);
    const detail = { item, href, originalEvent: event };
    if (!this.host.fire("open-item", detail, true) || this.host.getAttribute("navigate") === "event") event.preventDefault();
  }

  press(event, item, action) {
    const detail = { item, key: action.key, href: safe(action.href) };
    press(this.host.client, item, action).catch((error) => this.host.fail(error));
    if (!this.host.fire("action", detail, true) || this.host.getAttribute("navigate") === "event") event.preventDefault();
  }

  async markAll() {
    if (!this.head) return;
    try {
      await this.host.client.mark("read", this.head);
      for (const item of this.items) item.read_at ??= new Date().toISOString();
      this.draw();
    } catch (error) {
      this.host.fail(error, (text) => this.say(null, text));
    }
  }

  /** Page Down and Page Up go from article to article, as a feed has it. */
  key(event) {
    const article = event.target.closest("article");
    if (!article || event.altKey || event.metaKey || event.target.matches("select")) return;
    const articles = [...this.list.children];
    const at = articles.indexOf(article);
    const item = this.items[at];
    const go = (to) => {
      articles[to]?.focus();
      event.preventDefault();
    };
    if (event.ctrlKey) {
      if (!/^(End|Home)$/.test(event.key)) return;
      this.outside(event.key === "End");
      return event.preventDefault();
    }
    if (event.key === "PageDown") return go(at + 1);
    if (event.key === "PageUp") return go(at - 1);
    if (this.host.getAttribute("shortcuts") === "off" || event.target !== article) return;
    switch (event.key) {
      case "j": return go(at + 1);
      case "k": return go(at - 1);
      case "u": return void this.patch(item, { read: !item.read_at });
      case "e": return void this.patch(item, { archived: !item.archived_at });
      case "A": return void this.markAll();
      case "Enter": return article.querySelector("a[href]")?.click();
    }
  }

  /** Leaves the feed for what is behind or before it. */
  outside(behind) {
    const all = [...this.host.shadowRoot.querySelectorAll("a[href], button:not([disabled]), select")].filter((element) => !this.list.contains(element) && element.checkVisibility());
    const wanted = behind ? all.filter((element) => this.list.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING)[0] : all.filter((element) => this.list.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING).at(-1);
    (wanted ?? this.host).focus?.();
  }
}

const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

/** "3 hours ago". @param {string} instant @param {string} language */
function ago(instant, language) {
  const seconds = (Date.parse(instant) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  for (const [unit, size] of units) if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  return format.format(0, "second");
}

/** @param {string} instant @param {string} language */
function exactly(instant, language) {
  return new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" }).format(new Date(instant));
}

/**
 * Tells that a button was pressed; the item is read then.
 * @param {import("./client.js").NotifyClient} client
 * @param {import("./client.js").Item} item @param {import("./client.js").Action} action
 */
export async function press(client, item, action) {
  const { body } = await client.request("POST", "api/v1/notifications/" + item.id + "/actions/" + encodeURIComponent(action.key));
  client.changed([item.id], { read: true });
  return body.item;
}

/** Only what a browser may safely follow. @param {string} link */
export function safe(link) {
  if (!link) return "";
  try {
    const url = new URL(link, document.baseURI);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

/** @param {import("./element.js").NotifyElement} element */
export async function markAllRead({ client }) {
  const { head_cursor: head } = await client.list({ limit: 1 });
  if (head) await client.mark("read", head);
}
