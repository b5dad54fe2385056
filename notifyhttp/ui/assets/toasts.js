// <notify-toasts>: shows what arrives for a moment, in a corner.

import { NotifyElement, define, h } from "./element.js";
import { common, safe } from "./feed.js";
import { english } from "./texts.js";

english.close = "Close";

const duration = 8000;
const most = 3;

const toastLook = `
[part=toasts] { position: fixed; inset: auto; inset-block-end: 16px; inset-inline-end: 16px; margin: 0; padding: 0; border: 0; background: none; width: min(360px, 100vw - 32px); overflow: visible }
[part=toast] { display: flex; gap: 8px; align-items: start; padding: 12px; margin-block-start: 8px; background: var(--_bg); color: var(--_fg); border: 1px solid var(--_border); border-inline-start: 4px solid var(--_accent); border-radius: var(--_radius); box-shadow: 0 4px 16px rgb(0 0 0 / .25) }
.text { flex: 1; min-width: 0; overflow-wrap: anywhere }
.text a, .text strong { font-weight: 600; color: inherit }
p { margin: 4px 0 0; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden }
`;

export class NotifyToasts extends NotifyElement {
  constructor() {
    super();
    this.use(common);
    this.use(toastLook);
    this.box = h("div", { part: "toasts", role: "status", popover: "manual" });
    this.shadowRoot.append(this.box);
  }

  start() {
    const show = ({ detail }) => detail.item.silent || this.show(detail.item);
    this.listen(this.client, "item", show);
    this.listen(this.client, "transient", show);
    this.ends.push(this.client.connect(), () => this.box.replaceChildren());
  }

  /** @param {import("./client.js").Item} item */
  show(item) {
    if (!this.fire("received", { item }, true)) return;
    const link = safe(item.link);
    const read = () => this.client.patch(item.id, { read: true }).catch(() => {});
    const toast = h(
      "div",
      { part: "toast" },
      h("div", { class: "text" }, link ? h("a", { href: link, dir: "auto", onclick: (event) => this.follow(event, item, link, read) }, item.title) : h("strong", { dir: "auto" }, item.title), item.body && h("p", { dir: "auto" }, item.body)),
      h("button", { type: "button", "aria-label": this.t("close"), onclick: () => close() }, "×"),
    );
    const close = () => {
      toast.remove();
      if (!this.box.childElementCount && this.box.matches(":popover-open")) this.box.hidePopover();
    };
    // It stays while somebody is at it.
    let timer = setTimeout(close, duration);
    for (const type of ["pointerenter", "focusin"]) toast.addEventListener(type, () => clearTimeout(timer));
    for (const type of ["pointerleave", "focusout"]) toast.addEventListener(type, () => (clearTimeout(timer), (timer = setTimeout(close, duration))));
    this.box.append(toast);
    while (this.box.childElementCount > most) this.box.firstElementChild.remove();
    if (this.isConnected && !this.box.matches(":popover-open")) this.box.showPopover();
  }

  follow(event, item, href, read) {
    read();
    if (!this.fire("open-item", { item, href, originalEvent: event }, true)) event.preventDefault();
  }
}

define("notify-toasts", NotifyToasts);
