// What all elements have in common.

import { NotifyClient } from "./client.js";
import { base } from "./style.js";
import { english, load, plural } from "./texts.js";

/**
 * Makes an element. Attributes that are functions are listeners, of "onclick"
 * and the like; null and false leave an attribute out. Text is only ever text.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node | string | null | false)} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}

/** @param {string} path of a 24 by 24 picture in strokes */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" })) svg.setAttribute(name, value);
  const line = document.createElementNS(svg.namespaceURI, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const sheets = new Map();

/** @param {string} css */
function sheet(css) {
  let made = sheets.get(css);
  if (!made) {
    sheets.set(css, (made = new CSSStyleSheet()));
    made.replaceSync(css);
  }
  return made;
}

/** The base class: shadow root, client, language, events. */
export class NotifyElement extends HTMLElement {
  static observedAttributes = ["base", "lang"];

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
    this.use(base);
    this.texts = english;
    this.own = {};
    for (const name of ["client", "strings", "headers"]) this.upgrade(name);
  }

  /** A property that was set before the element was defined gets its setter. */
  upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }

  use(css) {
    this.shadowRoot.adoptedStyleSheets.push(sheet(css));
  }

  /** The client of the base attribute; another one may be set. */
  get client() {
    return (this.chosen ??= NotifyClient.at(this.getAttribute("base") ?? undefined));
  }
  set client(client) {
    this.chosen = client;
  }

  /** Texts of the host's, by the names of texts.js; they go before ours. */
  set strings(strings) {
    this.own = strings ?? {};
    if (this.isConnected) this.render();
  }
  get strings() {
    return this.own;
  }

  /** Adds headers to each request. @param {() => Record<string, string>} make */
  set headers(make) {
    this.client.headers = make;
  }

  get language() {
    const tag = this.closest("[lang]")?.getAttribute("lang") || navigator.language || "en";
    try {
      return Intl.getCanonicalLocales(tag)[0] ?? "en";
    } catch {
      return "en";
    }
  }

  connectedCallback() {
    this.abort = new AbortController();
    this.ends = [];
    this.render();
    this.start();
    this.speak();
  }

  disconnectedCallback() {
    this.abort?.abort();
    for (const end of this.ends ?? []) end();
    this.ends = [];
  }

  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || !this.abort || before === after) return;
    if (name === "base") this.chosen = undefined;
    if (name === "base" || name === "lang") {
      this.disconnectedCallback();
      this.connectedCallback();
    }
  }

  /** Draws everything anew. */ render() {}
  /** Begins to listen and to ask. */ start() {}

  async speak() {
    const language = this.language;
    const texts = await load(language);
    if (texts === this.texts || language !== this.language || !this.isConnected) return;
    this.texts = texts;
    this.render();
    this.spoken?.();
  }

  /**
   * The text of a name, with {0}, {1} filled in.
   * @param {string} name @param {...(string | number)} values the first one decides the plural
   */
  t(name, ...values) {
    const text = plural(this.own[name] ?? this.texts[name] ?? english[name] ?? name, values[0], this.texts.language ?? "en");
    return text.replace(/\{(\d)\}/g, (_, i) => String(values[i] ?? ""));
  }

  /** @param {EventTarget} target @param {string} type @param {(event: any) => void} listener */
  listen(target, type, listener) {
    target.addEventListener(type, listener, { signal: this.abort.signal });
  }

  /** Dispatches a notify- event; false if it was canceled. */
  fire(name, detail = {}, cancelable = false) {
    return this.dispatchEvent(new CustomEvent("notify-" + name, { detail, bubbles: true, composed: true, cancelable }));
  }

  /** Tells of a failure; shows it too if nobody prevents that. */
  fail(error, show) {
    if (this.fire("error", { problem: error.problem ?? null, status: error.status ?? 0, error }, true)) show?.(this.say(error));
  }

  say(error) {
    if (error.status === 0) return this.t("offline");
    if (error.status === 401) return this.t("signedOut");
    return this.t("failed");
  }
}

/** @param {string} name @param {CustomElementConstructor} element */
export function define(name, element) {
  if (!customElements.get(name)) customElements.define(name, element);
}
