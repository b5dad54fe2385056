// What opens behind the bell: a dialog that is not modal, in the top layer, so
// that no z-index of the page covers it.

import { h, icon } from "./element.js";
import { Feed } from "./feed.js";
import { english } from "./texts.js";

Object.assign(english, { settings: "Settings", seeAll: "See all" });

const sliders = "M4 7h9M17 7h3M4 17h3M11 17h9M13 4v6M7 14v6";

const panelLook = `
[part=panel] {
  position: fixed; inset: auto; margin: 0; padding: 0; border: 1px solid var(--_border); border-radius: var(--_radius);
  width: min(var(--notify-panel-width, 400px), 100vw - 16px); max-height: var(--notify-panel-max-height, min(600px, 80dvh));
  background: var(--_bg); color: var(--_fg); box-shadow: var(--notify-shadow, 0 8px 28px rgb(0 0 0 / .25)); overflow: hidden;
}
[part=panel]:popover-open { display: flex; flex-direction: column }
[part=header] { display: flex; flex-wrap: wrap; align-items: center; gap: 4px; padding: 10px 12px; border-block-end: 1px solid var(--_border) }
[part=heading] { flex: 1; margin: 0; font-size: 1.125em; min-width: 8em }
[part=footer] { display: flex; justify-content: center; padding: 6px 12px; border-block-start: 1px solid var(--_border) }
@media (max-width: 480px) { [part=panel] { width: 100vw; max-height: 90dvh; border-radius: var(--_radius) var(--_radius) 0 0; inset: auto 0 0 0 !important } }
`;

export class Panel {
  /** @param {import("./bell.js").NotifyBell} bell */
  constructor(bell) {
    this.bell = bell;
    this.open = false;
    bell.use(panelLook);
    this.feed = new Feed(bell, { seen: true });
    this.heading = h("h2", { part: "heading", id: "heading", tabindex: "-1" });
    this.markAll = h("button", { part: "mark-all", type: "button", onclick: () => this.feed.markAll() });
    this.settings = h("a", { part: "settings-link", class: "button" }, icon(sliders));
    this.all = h("a", { class: "button" });
    this.element = h(
      "div",
      { part: "panel", id: "panel", popover: "auto", role: "dialog", "aria-labelledby": "heading" },
      h("div", { part: "header" }, h("slot", { name: "header" }, this.heading), this.feed.tabs, this.markAll, this.settings),
      this.feed.element,
      h("div", { part: "footer" }, h("slot", { name: "footer" }, this.all)),
    );
    this.element.addEventListener("toggle", (event) => this.toggled(event.newState === "open"));
    bell.shadowRoot.append(this.element);
    bell.button.setAttribute("aria-controls", "panel");
    // From now on the browser opens and closes it: a click on the bell must not
    // open again what it has just dismissed.
    bell.button.popoverTargetElement = this.element;
    this.render();
  }

  render() {
    const { bell } = this;
    this.heading.textContent = bell.t("notifications");
    this.markAll.textContent = bell.t("markAll");
    this.settings.setAttribute("aria-label", bell.t("settings"));
    this.settings.title = bell.t("settings");
    this.settings.href = bell.getAttribute("preferences-href") ?? bell.client.url("preferences");
    this.all.textContent = bell.t("seeAll");
    this.all.href = bell.getAttribute("inbox-href") ?? bell.client.url("inbox");
    this.markAll.hidden = !bell.client.counts?.unread;
    if (bell.texts !== this.spoken) {
      this.spoken = bell.texts;
      this.feed.speak();
    }
  }

  show() {
    if (!this.open && !this.element.matches(":popover-open")) this.element.showPopover();
  }

  hide() {
    if (this.element.matches(":popover-open")) this.element.hidePopover();
    // With an element that goes, or moves, the browser closes it and tells nobody.
    else this.toggled(false);
  }

  toggled(open) {
    const { bell } = this;
    if (open === this.open) return;
    this.open = open;
    bell.button.setAttribute("aria-expanded", String(open));
    bell.toggleAttribute("open", open);
    bell.fire("toggle", { open });
    if (!open) {
      this.placing?.abort();
      this.feed.stop();
      const active = bell.shadowRoot.activeElement;
      if (!active || this.element.contains(active)) bell.button.focus();
      return;
    }
    this.place();
    this.placing = new AbortController();
    const options = { signal: this.placing.signal, passive: true };
    addEventListener("resize", () => this.place(), options);
    addEventListener("scroll", () => this.place(), { ...options, capture: true });
    this.heading.focus();
    this.feed.start();
  }

  /** Beside the bell, on the side that has room, never outside of the window. */
  place() {
    const style = this.element.style;
    const at = this.bell.button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const [side, edge] = (this.bell.getAttribute("placement") ?? "bottom-end").split("-");
    const rtl = getComputedStyle(this.bell).direction === "rtl";
    const below = side !== "top" ? at.bottom + height + 8 <= innerHeight || at.top < innerHeight - at.bottom : at.top < height + 8 && at.top < innerHeight - at.bottom;
    const alignRight = (edge !== "start") !== rtl;
    const left = alignRight ? at.right - width : at.left;
    style.left = Math.max(8, Math.min(left, innerWidth - width - 8)) + "px";
    style.top = below ? at.bottom + 4 + "px" : "auto";
    style.bottom = below ? "auto" : innerHeight - at.top + 4 + "px";
    style.maxHeight = `min(var(--notify-panel-max-height, min(600px, 80dvh)), ${Math.max(160, (below ? innerHeight - at.bottom : at.top) - 12)}px)`;
  }
}
