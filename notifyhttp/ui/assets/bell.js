// <notify-bell>: a button with a badge; the panel behind it is fetched when it
// is opened for the first time.

import { NotifyElement, define, h, icon } from "./element.js";
import { bell } from "./style.js";

const shape = "M6 9a6 6 0 0 1 12 0c0 5 2 6.5 2.5 7.5h-17C4 15.5 6 14 6 9M10 20a2.2 2.2 0 0 0 4 0";

/** Merges what arrives, so that nobody is read to without end. */
const announceEvery = 5000;

export class NotifyBell extends NotifyElement {
  static observedAttributes = [...NotifyElement.observedAttributes, "badge", "max", "open"];

  constructor() {
    super();
    this.use(bell);
    this.badge = h("span", { part: "badge", "aria-hidden": "true", hidden: true });
    this.button = h(
      "button",
      { part: "bell", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.panel || this.show() },
      h("slot", { name: "icon" }, icon(shape)),
      this.badge,
    );
    // It has to be there before it is filled, or it is not read.
    this.status = h("span", { class: "hidden", role: "status" });
    this.shadowRoot.append(this.button, this.status);
    this.arrivals = 0;
    this.announced = 0;
  }

  get counts() {
    return this.client.counts;
  }

  start() {
    const client = this.client;
    this.listen(client, "counts", ({ detail }) => {
      this.render();
      this.fire("counts", detail.counts);
    });
    this.listen(client, "item", ({ detail }) => this.arrived(detail.item));
    this.listen(client, "change", ({ detail }) => this.fire("change", detail));
    this.listen(client, "error", ({ detail }) => this.fail(detail.error));
    const live = this.getAttribute("live") ?? "sse";
    if (live === "off") client.resync();
    else this.ends.push(client.connect(live === "poll" ? "poll" : "sse"));
    this.ends.push(() => clearTimeout(this.timer));
    if (this.hasAttribute("open")) this.show();
    this.fire("ready");
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.panel?.hide();
  }

  attributeChangedCallback(name, before, after) {
    super.attributeChangedCallback(name, before, after);
    if (!this.isConnected || !this.abort) return;
    if (name === "open") after === null ? this.hide() : this.show();
    else if (name === "badge" || name === "max") this.render();
  }

  render() {
    const mode = this.getAttribute("badge") ?? "unseen";
    const counts = this.client.counts ?? { unread: 0, unseen: 0 };
    const count = mode === "unread" ? counts.unread : counts.unseen;
    const max = Number(this.getAttribute("max")) || 99;
    const shown = mode !== "none" && count > 0;
    this.badge.hidden = !shown;
    this.badge.classList.toggle("dot", mode === "dot");
    this.badge.textContent = mode === "dot" ? "" : count > max ? max + "+" : String(count);
    const spoken = count + (counts.at_least ? "+" : "");
    const label = !count ? this.t("notifications") : mode === "dot" ? this.t("bellSome") : this.t(mode === "unread" ? "bell" : "bellNew", spoken);
    this.button.setAttribute("aria-label", label);
    this.panel?.render();
  }

  /** @param {import("./client.js").Item} item */
  arrived(item) {
    this.fire("received", { item }, true);
    if (item.silent) return;
    this.arrivals++;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.announced = Date.now();
      this.status.textContent = this.t("arrived", this.arrivals);
      this.arrivals = 0;
    }, Math.max(0, this.announced + announceEvery - Date.now()));
  }

  toggle() {
    return this.panel?.open ? this.hide() : this.show();
  }

  async show() {
    if (!this.panel) {
      this.loading ??= import("./panel.js");
      try {
        const { Panel } = await this.loading;
        this.panel ??= new Panel(this);
      } catch (error) {
        this.loading = undefined;
        return this.fail(error);
      }
    }
    if (this.isConnected) this.panel.show();
  }

  hide() {
    this.panel?.hide();
  }

  refresh() {
    return this.client.resync();
  }

  /** What is rarely needed is fetched when it is. */
  async call(name) {
    return (await import("./panel.js"))[name](this);
  }

  markAllRead() {
    return this.call("markAllRead");
  }

  enablePush() {
    return this.call("enablePush");
  }

  disablePush() {
    return this.call("disablePush");
  }
}

define("notify-bell", NotifyBell);
