// <notify-preferences>: the settings of whoever is signed in, as a form.

import { NotifyElement, define, h } from "./element.js";
import { common } from "./feed.js";
import { PushSetup } from "./push.js";
import { english } from "./texts.js";

Object.assign(english, {
  title: "Notification settings",
  enabled: "Receive notifications",
  enabledOff: "You still find everything in the app. Your choices are kept.",
  providers: "What you want to hear of, and where",
  provider: "Source",
  order: "Order",
  interface: "In the app",
  email: "E-mail",
  mobile: "Mobile",
  browser: "Browser",
  webhook: "Webhook",
  cell: "{0}, {1}",
  alwaysOn: "always on",
  required: "required by {0}",
  noAddress: "not set up",
  moveUp: "Move {0} up",
  moveDown: "Move {0} down",
  moved: "{0} moved to position {1} of {2}",
  mode: "{0}: when",
  immediate: "At the time of the event",
  daily: "Once a day, what is still unread",
  at: "At",
  zone: "Time zone: {0}",
  useZone: "Use {0}",
  next: "The next one: {0}",
  save: "Save",
  saving: "Saving",
  saved: "Saved",
  unsaved: "There are unsaved changes.",
  conflict: "The settings were changed elsewhere meanwhile.",
  takeTheirs: "Show those",
  keepMine: "Save mine",
  refused: "This could not be saved: {0}",
  none: "There is nothing to choose yet.",
});

const formLook = `
:host { display: block }
[part=form], [part=push] { color: var(--_fg); background: var(--_bg); border: 1px solid var(--_border); border-radius: var(--_radius); padding: 16px }
[part=push] { margin-block-start: 16px }
h1 { font-size: 1.375em; margin: 0 0 12px } h2 { font-size: 1.125em; margin: 0 0 8px }
p { margin: 0 0 10px }
.daily { flex-wrap: wrap }
label { cursor: pointer }
[hidden] { display: none !important }
.hint { display: block; color: var(--_muted); font-size: .875em; font-weight: normal }
.master { display: flex; align-items: center; gap: 10px; font-weight: 600 }
[role=switch] { appearance: none; width: 44px; height: 24px; margin: 0; border-radius: 12px; border: 2px solid var(--_line); background: var(--_bg); position: relative; cursor: pointer; flex: none }
[role=switch]::before { content: ""; position: absolute; inset-block-start: 3px; inset-inline-start: 3px; width: 14px; height: 14px; border-radius: 50%; background: var(--_line); transition: inset-inline-start .15s }
[role=switch]:checked { background: var(--_accent); border-color: var(--_accent) }
[role=switch]:checked::before { inset-inline-start: 23px; background: var(--_accent-text) }
table { border-collapse: collapse; width: 100%; margin-block: 4px 12px }
caption { text-align: start; font-weight: 600; padding-block: 8px }
th, td { padding: 8px; text-align: start; border-block-end: 1px solid var(--_border); vertical-align: top }
thead th { font-size: .875em; vertical-align: bottom }
tbody th { font-weight: 500; overflow-wrap: anywhere }
tr[draggable] { cursor: grab }
[part=cell] label { display: inline-flex; align-items: center; gap: 8px; min-height: 24px; min-width: 24px }
input[type=checkbox]:not([role]), input[type=radio] { width: 20px; height: 20px; margin: 0; accent-color: var(--_accent); flex: none }
.muted tbody input { opacity: .6 }
.why { max-width: 9em }
.narrow { display: none }
.order { white-space: nowrap }
.order button { min-width: 32px; justify-content: center; border-color: var(--_line) }
fieldset { border: 1px solid var(--_border); border-radius: var(--_radius); margin: 0 0 12px; padding: 8px 12px; min-width: 0 }
legend { font-weight: 600; padding-inline: 4px }
fieldset p { display: flex; align-items: center; gap: 8px }
input[type=time] { border: 1px solid var(--_line); border-radius: var(--_radius); padding: 4px 8px; background: var(--_bg); min-height: 32px }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 12px }
[part=save] { background: var(--_accent); color: var(--_accent-text); padding-inline: 20px; min-height: 40px }
[part=save]:hover { background: var(--_accent) }
[part=status] { margin: 0; color: var(--_muted) }
[part=notice] { border: 1px solid var(--_danger); border-radius: var(--_radius); padding: 10px 12px; margin-block-end: 12px }
[part=notice] button, [part=push] button { border-color: var(--_line); margin-inline-end: 8px }
[part=error] { color: var(--_danger) }
@media (pointer: coarse) { [part=cell] label, .order button, [part=save] { min-height: 44px; min-width: 44px } }
@media (forced-colors: active) {
  [role=switch] { forced-color-adjust: none; border-color: ButtonText; background: Canvas }
  [role=switch]::before { background: ButtonText }
  [role=switch]:checked { background: Highlight; border-color: Highlight }
  [role=switch]:checked::before { background: HighlightText }
}
@media (max-width: 600px) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  table, caption, tbody, tr, tbody th, td { display: block }
  tr { border: 1px solid var(--_border); border-radius: var(--_radius); margin-block-end: 10px; padding: 8px }
  tbody th, td { border: 0; padding: 4px }
  .narrow { display: inline }
  .why { display: inline; margin-inline-start: 8px }
}
`;

export class NotifyPreferences extends NotifyElement {
  constructor() {
    super();
    this.use(common);
    this.use(formLook);
    this.status = h("p", { part: "status", role: "status" });
    this.notice = h("div", { part: "notice", role: "alert", hidden: true });
    this.saveButton = h("button", { part: "save", type: "submit" });
    this.body = h("div", { class: "body" });
    this.form = h("form", { part: "form", novalidate: true, onsubmit: (event) => this.submit(event) }, this.body, this.notice, h("div", { class: "bar" }, this.saveButton, this.status));
    this.push = new PushSetup(this);
    this.shadowRoot.append(this.form, this.push.element);
  }

  start() {
    this.ends.push(this.client.connect());
    this.listen(this.client, "preferences", ({ detail }) => this.elsewhere(detail.version));
    this.listen(window, "beforeunload", (event) => this.dirty && event.preventDefault());
    this.push.start(this.abort.signal);
    if (!this.dirty) this.load();
  }

  render() {
    this.saveButton.textContent = this.t("save");
    this.push.render();
    if (this.draft) this.draw();
    else this.body.replaceChildren(h("p", {}, this.t("loading")));
  }

  async load(dirty = this.dirty) {
    try {
      const { preferences, etag } = await readPreferences(this.client);
      // Somebody may have begun to edit meanwhile.
      if (this.dirty && !dirty) return this.conflict();
      this.show(preferences, etag);
    } catch (error) {
      this.fail(error, (text) => this.body.replaceChildren(h("p", { part: "error" }, text), h("button", { type: "button", onclick: () => this.load() }, this.t("retry"))));
    }
  }

  /** Takes a document of the server as what the form begins with. */
  show(document, etag) {
    this.document = document;
    this.etag = etag;
    const modes = {};
    for (const channel of document.channels.filter((channel) => channel.daily)) {
      // One mode for all, unless they differ: then neither is shown as chosen.
      const held = new Set(document.providers.map((row) => row.channels[channel.key]).filter((cell) => cell && !cell.locked && cell.unmuted !== "off").map((cell) => cell.unmuted));
      modes[channel.key] = held.size > 1 ? "" : ([...held][0] ?? (channel.choice === "daily" ? "daily" : "immediate"));
    }
    this.draft = {
      enabled: document.enabled,
      order: document.providers.map((row) => row.key),
      at: document.digest.at || document.digest.holds_at,
      zone: document.digest.time_zone,
      modes,
      on: Object.fromEntries(document.providers.map((row) => [row.key, Object.fromEntries(Object.entries(row.channels).map(([key, cell]) => [key, cell.unmuted !== "off"]))])),
    };
    this.clean = JSON.stringify(this.draft);
    this.notice.hidden = true;
    this.draw();
  }

  get dirty() {
    return Boolean(this.draft) && JSON.stringify(this.draft) !== this.clean;
  }

  channelTitle(key) {
    return this.t(key) === key ? key.charAt(0).toUpperCase() + key.slice(1) : this.t(key);
  }

  draw() {
    const { document, draft } = this;
    const active = this.shadowRoot.activeElement?.dataset.focus;
    const rows = draft.order.map((key) => document.providers.find((row) => row.key === key));
    const master = h("input", { type: "checkbox", role: "switch", id: "enabled", part: "master-switch", "data-focus": "enabled", onchange: (event) => this.change(() => (draft.enabled = event.target.checked)) });
    master.checked = draft.enabled;
    this.body.replaceChildren(
      h("h1", { part: "heading" }, this.t("title")),
      h("p", { class: "master" }, master, h("label", { for: "enabled" }, this.t("enabled"))),
      h("p", { class: "hint", hidden: draft.enabled }, this.t("enabledOff")),
      rows.length ? this.table(rows) : h("p", {}, this.t("none")),
      ...document.channels.filter((channel) => channel.daily && rows.some((row) => draft.on[row.key][channel.key])).map((channel) => this.modeOf(channel)),
    );
    this.form.classList.toggle("muted", !draft.enabled);
    if (active) this.shadowRoot.querySelector(`[data-focus="${CSS.escape(active)}"]`)?.focus();
    this.changedState();
  }

  changedState() {
    this.saveButton.disabled = !this.dirty || this.busy;
    if (this.dirty) this.status.textContent = this.t("unsaved");
    else if (this.status.textContent === this.t("unsaved")) this.status.textContent = "";
  }

  change(edit, redraw = true) {
    edit();
    if (redraw) this.draw();
    else this.changedState();
  }

  table(rows) {
    const channels = this.document.channels;
    return h(
      "table",
      { part: "table" },
      h("caption", {}, this.t("providers")),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, this.t("provider")), ...channels.map((channel) => h("th", { scope: "col" }, this.channelTitle(channel.key), !channel.reachable && h("span", { class: "hint" }, " " + this.t("noAddress")))), h("th", { scope: "col" }, this.t("order")))),
      h("tbody", {}, ...rows.map((row, i) => this.row(row, i, rows.length, channels))),
    );
  }

  row(row, i, count, channels) {
    const move = (by) => this.move(row, i, i + by);
    const tr = h(
      "tr",
      { part: "row", draggable: "true", "data-key": row.key },
      h("th", { scope: "row" }, h("span", { dir: "auto" }, row.title), row.description && h("span", { class: "hint", dir: "auto" }, row.description)),
      ...channels.map((channel) => this.cell(row, channel)),
      h(
        "td",
        { class: "order" },
        h("button", { type: "button", part: "order-button", "data-focus": "up " + row.key, "aria-label": this.t("moveUp", row.title), disabled: i === 0, onclick: () => move(-1) }, "↑"),
        h("button", { type: "button", part: "order-button", "data-focus": "down " + row.key, "aria-label": this.t("moveDown", row.title), disabled: i === count - 1, onclick: () => move(1) }, "↓"),
      ),
    );
    tr.addEventListener("dragstart", (event) => {
      this.dragged = row.key;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", row.title);
    });
    tr.addEventListener("dragover", (event) => this.dragged && event.preventDefault());
    tr.addEventListener("drop", (event) => {
      event.preventDefault();
      const from = this.draft.order.indexOf(this.dragged);
      this.dragged = undefined;
      if (from >= 0 && from !== i) this.move(this.document.providers.find((other) => other.key === this.draft.order[from]), from, i);
    });
    tr.addEventListener("dragend", () => (this.dragged = undefined));
    return tr;
  }

  move(row, from, to) {
    const { order } = this.draft;
    this.change(() => order.splice(to, 0, ...order.splice(from, 1)));
    // At the end the button that was pressed is disabled: the other one is near.
    if (!this.shadowRoot.activeElement) this.shadowRoot.querySelector(`[data-focus="${to ? "up" : "down"} ${CSS.escape(row.key)}"]`)?.focus();
    this.status.textContent = this.t("moved", row.title, to + 1, order.length);
  }

  cell(row, channel) {
    const cell = row.channels[channel.key];
    if (!cell) return h("td", { part: "cell" });
    const name = this.t("cell", this.channelTitle(channel.key), row.title);
    const why = cell.locked ? this.t(channel.key === "interface" ? "alwaysOn" : "required", row.title) : "";
    const box = h("input", {
      type: "checkbox", part: "checkbox", "aria-label": why ? name + ", " + why : name, title: why || null, "data-focus": channel.key + " " + row.key,
      disabled: cell.locked, onchange: (event) => this.change(() => (this.draft.on[row.key][channel.key] = event.target.checked)),
    });
    box.checked = cell.locked || this.draft.on[row.key][channel.key];
    return h("td", { part: "cell" }, h("label", {}, box, h("span", { class: "narrow" }, this.channelTitle(channel.key))), why && h("span", { class: "hint why" }, why));
  }

  modeOf(channel) {
    const { draft } = this;
    const key = channel.key;
    const radio = (mode) => {
      const input = h("input", { type: "radio", name: "mode-" + key, id: mode + key, value: mode, "data-focus": mode + key, onchange: () => this.change(() => (draft.modes[key] = mode)) });
      input.checked = draft.modes[key] === mode;
      return h("p", {}, input, h("label", { for: mode + key }, this.t(mode)));
    };
    const daily = draft.modes[key] !== "immediate";
    const zone = draft.zone || this.document.digest.holds_in;
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return h(
      "fieldset",
      { part: "email-mode" },
      h("legend", {}, this.t("mode", this.channelTitle(key))),
      radio("immediate"),
      radio("daily"),
      daily && h(
        "p",
        { class: "daily" },
        h("label", { for: "at" + key }, this.t("at"), " "),
        h("input", { type: "time", id: "at" + key, required: true, value: draft.at, "data-focus": "at" + key, onchange: (event) => event.target.value && this.change(() => (draft.at = event.target.value), false) }),
        " ", h("span", { class: "hint" }, this.t("zone", zone)),
        here && here !== zone && h("button", { type: "button", "data-focus": "at" + key, onclick: () => this.change(() => (draft.zone = here)) }, this.t("useZone", here)),
      ),
      daily && channel.next_digest && !this.dirty && h("p", { class: "hint" }, this.t("next", new Intl.DateTimeFormat(this.language, { dateStyle: "medium", timeStyle: "short", timeZone: this.document.digest.holds_in }).format(new Date(channel.next_digest)))),
    );
  }

  /** What the form changes, in the terms of the API: never more than that. */
  choices() {
    const { document, draft } = this;
    const before = JSON.parse(this.clean);
    const choices = { digest: {}, channels: {}, providers: [] };
    if (draft.enabled !== before.enabled) choices.enabled = draft.enabled;
    if (draft.at !== before.at) choices.digest.at = draft.at;
    if (draft.zone !== before.zone) choices.digest.time_zone = draft.zone;
    const moved = new Set(Object.keys(draft.modes).filter((key) => draft.modes[key] !== before.modes[key]));
    for (const key of moved) choices.channels[key] = draft.modes[key];
    const reordered = String(draft.order) !== String(before.order);
    for (const key of draft.order) {
      const channels = {};
      for (const [channel, cell] of Object.entries(document.providers.find((row) => row.key === key).channels)) {
        const on = draft.on[key][channel];
        if (cell.locked || (on === before.on[key][channel] && !moved.has(channel))) continue;
        // With a mode for the whole channel a cell that is on follows it, and one
        // that is off has to say so.
        const follows = moved.has(channel) || document.channels.find((other) => other.key === channel)?.choice;
        channels[channel] = !on ? "off" : follows && follows !== "off" ? "" : (draft.modes[channel] || "immediate");
      }
      // Those that are named change places among themselves.
      if (reordered || Object.keys(channels).length) choices.providers.push({ key, channels });
    }
    return choices;
  }

  /** What a form sends is only what it has changed: with force it goes on top of anything. */
  async submit(event, force) {
    event?.preventDefault();
    if (!this.dirty || this.busy) return;
    this.busy = true;
    this.changedState();
    this.status.textContent = this.t("saving");
    const { draft } = this;
    const sent = JSON.stringify(draft);
    try {
      if (force) this.etag = (await readPreferences(this.client)).etag;
      const { preferences, etag } = await savePreferences(this.client, this.choices(), this.etag);
      this.busy = false;
      this.show(preferences, etag);
      this.status.textContent = this.t("saved");
      if (JSON.stringify(draft) !== sent) {
        this.draft = draft; // edited while it was being saved
        this.draw();
      }
      this.fire("preferences-saved", { version: preferences.version });
    } catch (error) {
      this.busy = false;
      this.changedState();
      if (error.status === 412) return this.conflict();
      this.fail(error, (text) => (this.status.textContent = error.status === 422 ? this.t("refused", error.problem?.errors?.[0]?.detail ?? "") : text));
    }
  }

  /** Another tab has saved. A form without changes follows, another one asks. */
  elsewhere(version) {
    if (this.busy || version === this.document?.version) return;
    if (!this.dirty) return this.load();
    this.conflict();
  }

  conflict() {
    this.notice.hidden = false;
    this.notice.replaceChildren(
      h("p", {}, this.t("conflict")),
      h("button", { type: "button", onclick: () => this.load() }, this.t("takeTheirs")),
      h("button", { type: "button", onclick: () => this.submit(null, true) }, this.t("keepMine")),
    );
    this.status.textContent = "";
  }
}

define("notify-preferences", NotifyPreferences);

/** @param {import("./client.js").NotifyClient} client @returns {Promise<{preferences: any, etag: string}>} */
export async function readPreferences(client) {
  const { body, etag } = await client.request("GET", "api/v1/preferences");
  return { preferences: body, etag: etag ?? "" };
}

/** @param {import("./client.js").NotifyClient} client @param {object} choices @param {string} etag of the document they are based on */
export async function savePreferences(client, choices, etag) {
  const saved = await client.request("PUT", "api/v1/preferences", choices, { "If-Match": etag });
  return { preferences: saved.body, etag: saved.etag ?? "" };
}
