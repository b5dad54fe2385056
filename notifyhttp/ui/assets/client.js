// The API of the notification center, without any user interface. Use it for a
// bell of your own:
//
//   import { NotifyClient } from "/notify/ui.js";
//   const client = NotifyClient.at();
//   client.addEventListener("counts", () => show(client.counts));
//   client.connect();

import { connectLive } from "./live.js";

/**
 * @typedef {{unread: number, unseen: number, at_least?: boolean}} Counts
 * @typedef {{key: string, title: string, icon_url: string}} Provider
 * @typedef {{key: string, title: string, href: string}} Action
 * @typedef {{id: string, provider: Provider, title: string, body: string,
 *   rows: {label?: string, text: string}[], icon_url: string, link: string, actions: Action[],
 *   priority: string, silent: boolean, created_at: string, occurred_at: ?string, seen_at: ?string,
 *   read_at: ?string, archived_at: ?string, snoozed_until: ?string, expires_at: ?string,
 *   repeat_count: number, data: any}} Item
 * @typedef {{items: Item[], next_cursor: string, head_cursor: string, counts: Counts}} Page
 * @typedef {{type: string, title: string, status: number, code: string, detail?: string,
 *   errors?: {pointer: string, code: string, detail?: string}[], current?: any}} Problem
 */

/** An answer that is no success, with the problem document that came with it. */
export class NotifyError extends Error {
  /** @param {number} status 0: there was no answer @param {?Problem} problem */
  constructor(status, problem) {
    super(problem?.detail || problem?.title || "HTTP " + status);
    this.name = "NotifyError";
    this.status = status;
    this.problem = problem;
  }
}

const clients = new Map();

/**
 * A client of one notification center. Events: "counts" {counts}, "item" {item},
 * "transient" {item}, "change" {ids, changes}, "resync", "preferences"
 * {version}, "live" {connected}, "error" {error}; all are CustomEvents.
 */
export class NotifyClient extends EventTarget {
  /**
   * The client of a base URL; all elements of a page share it.
   * @param {string | URL} [base] where the handler is mounted; default: where this script comes from
   * @returns {NotifyClient}
   */
  static at(base) {
    const url = new URL(base ?? "../../", base ? document.baseURI : import.meta.url);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    let client = clients.get(url.href);
    if (!client) clients.set(url.href, (client = new NotifyClient(url)));
    return client;
  }

  /** @param {URL} base */
  constructor(base) {
    super();
    this.base = base;
    /** @type {?Counts} */ this.counts = null;
    /** Adds headers to each request, e.g. a token. @type {() => Record<string, string>} */
    this.headers = () => ({});
    this.users = 0;
  }

  /** @param {string} path relative to the base */
  url(path) {
    return new URL(path, this.base).href;
  }

  /**
   * @param {string} method @param {string} path @param {any} [body] @param {Record<string, string>} [headers]
   * @returns {Promise<{body: any, etag: ?string, status: number}>}
   */
  async request(method, path, body, headers) {
    // A click that marks may lead away from the page before the answer is there.
    const init = { method, keepalive: method !== "GET", credentials: "same-origin", headers: { Accept: "application/json", ...this.headers(), ...headers } };
    if (body !== undefined) {
      init.headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(this.url(path), init);
    } catch {
      throw new NotifyError(0, null);
    }
    const text = response.status === 204 ? "" : await response.text();
    let document = null;
    try {
      document = text && JSON.parse(text);
    } catch {
      // A proxy may answer with a page of its own.
    }
    if (!response.ok) throw new NotifyError(response.status, document);
    if (document?.counts) this.setCounts(document.counts);
    return { body: document, etag: response.headers.get("ETag"), status: response.status };
  }

  /** @param {Counts} counts */
  setCounts(counts) {
    const before = this.counts;
    this.counts = counts;
    if (before?.unread !== counts.unread || before?.unseen !== counts.unseen) this.emit("counts", { counts });
  }

  /** @param {string} name @param {object} [detail] */
  emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {{cursor?: string, state?: string, provider?: string, limit?: number}} [query] @returns {Promise<Page>} */
  async list(query = {}) {
    const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
    return (await this.request("GET", "api/v1/notifications?" + parameters)).body;
  }

  /** @returns {Promise<Counts>} */
  async refreshCounts() {
    const { body } = await this.request("GET", "api/v1/counts");
    this.setCounts(body);
    return body;
  }

  /**
   * Changes one item: {read: true}, {archived: false}, {snoozed_until: "…"}.
   * @param {string} id @param {object} changes @returns {Promise<Item>}
   */
  async patch(id, changes) {
    const { body } = await this.request("PATCH", "api/v1/notifications/" + encodeURIComponent(id), changes);
    this.changed([id], changes);
    return body.item;
  }

  /**
   * Marks everything that is not newer than the cursor, or the ids.
   * @param {"seen" | "read" | "unread" | "archive" | "unarchive"} op @param {string | string[]} what
   */
  async mark(op, what) {
    const body = Array.isArray(what) ? { op, ids: what } : { op, up_to: what };
    await this.request("POST", "api/v1/notifications/bulk", body);
    this.changed(Array.isArray(what) ? what : null, { [op]: true });
  }

  /** Tells the other elements and tabs. @param {?string[]} ids null: many */
  changed(ids, changes) {
    this.emit("change", { ids, changes });
    this.live?.share({ ids, changes, counts: this.counts });
  }

  /**
   * Keeps the counts right from now on, by the live stream or by asking.
   * Returns what ends it; the last one to end it closes the stream.
   * @param {"sse" | "poll"} [mode] @returns {() => void}
   */
  connect(mode = "sse") {
    if (this.users++ === 0) this.live = connectLive(this, mode);
    // On each load, where push is on: a browser may change a subscription unseen,
    // and it may be somebody else who has signed in.
    this.kept ??= this.worker().then((worker) => worker && import("./push.js")).then((push) => push?.keepPush(this)).catch(() => {});
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      if (--this.users === 0) {
        this.live?.close();
        this.live = null;
      }
    };
  }

  /** Our service worker, once push was on. It has a scope of its own: a worker of the host stays in charge of the pages. */
  async worker() {
    const scope = this.url("sw/");
    const found = await navigator.serviceWorker?.getRegistration(scope);
    if (found?.scope === scope) return found; // and not one of the host's
  }

  /** Something may have been missed: the counts are read anew, and lists are told. */
  async resync() {
    try {
      await this.refreshCounts();
    } catch (error) {
      this.emit("error", { error });
    }
    this.emit("resync");
  }
}
