// <notify-inbox>: the whole list, for a page of its own.

import { NotifyElement, define, h } from "./element.js";
import { Feed } from "./feed.js";

const inboxLook = `
:host { display: block; background: var(--_bg); border: 1px solid var(--_border); border-radius: var(--_radius); overflow: hidden }
[part=header] { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; padding: 10px 12px; border-block-end: 1px solid var(--_border); color: var(--_fg) }
[part=heading] { flex: 1; margin: 0; font-size: 1.375em; min-width: 9em }
.scroll { color: var(--_fg) }
[part=tabs] { flex-wrap: wrap }
`;

export class NotifyInbox extends NotifyElement {
  constructor() {
    super();
    this.use(inboxLook);
    this.feed = new Feed(this, { seen: true, states: ["", "unread", "snoozed", "archived"] });
    this.heading = h("h1", { part: "heading" });
    this.markAll = h("button", { part: "mark-all", type: "button", onclick: () => this.feed.markAll() });
    this.status = h("span", { class: "hidden", role: "status" });
    this.shadowRoot.append(h("div", { part: "header" }, h("slot", { name: "header" }, this.heading), this.feed.tabs, this.markAll), this.feed.element, this.status);
  }

  render() {
    this.heading.textContent = this.t("notifications");
    this.markAll.textContent = this.t("markAll");
    this.markAll.disabled = !this.client.counts?.unread;
  }

  spoken() {
    this.feed.speak();
  }

  start() {
    this.listen(this.client, "counts", () => this.render());
    this.ends.push(this.client.connect(this.getAttribute("live") === "poll" ? "poll" : "sse"), () => this.feed.stop());
    this.feed.start();
    this.fire("ready");
  }

  announce(text) {
    this.status.textContent = text;
  }

  refresh() {
    return this.feed.reload();
  }

  markAllRead() {
    return this.feed.markAll();
  }
}

define("notify-inbox", NotifyInbox);
