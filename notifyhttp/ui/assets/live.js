// One live stream for a browser, not one for each tab: over HTTP/1.1 six of
// them would take every connection there is. The tab that holds a Web Lock has
// the stream and tells the others by a BroadcastChannel.

const pollInterval = 60_000;
const longestWait = 600_000;

/** @param {import("./client.js").NotifyClient} client @param {"sse" | "poll"} mode */
export function connectLive(client, mode) {
  const name = "notify:" + client.base.href;
  const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(name) : null;
  let closed = false;
  let source = null;
  let cursor = "";
  let failures = 0;
  let timer = 0;
  let release = () => {};

  // A stream that is resumed tells again what was told shortly before, and where
  // there are no locks each tab hears its own stream and those of the others.
  const known = new Set();
  const deliver = ({ type, data, id }) => {
    if (id) cursor = id;
    if (data.counts) client.setCounts(data.counts);
    if (data.item) {
      const key = data.item.id + data.item.created_at;
      if (known.has(key)) return;
      if (known.add(key).size > 999) known.clear();
    }
    client.emit(type === "notification" ? "item" : type, data);
  };
  const tell = (message) => {
    deliver(message);
    channel?.postMessage(message);
  };
  if (channel) channel.onmessage = ({ data }) => !closed && (data.type ? deliver(data) : failures && start());

  const again = (delay) => {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(start, delay);
  };

  // EventSource gives up on an answer that is no stream, such as 401 or 429, and
  // tries again in a fixed rhythm else; many tabs would come back at once.
  const backOff = () => {
    source?.close();
    source = null;
    failures++;
    tell({ type: "live", data: { connected: false } });
    again(Math.min(longestWait, 1000 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2));
  };

  function start() {
    clearTimeout(timer);
    source?.close();
    source = null;
    if (closed) return;
    if (mode === "poll") {
      client.refreshCounts().then(() => client.emit("resync"), () => {});
      again(pollInterval);
      return;
    }
    const url = client.url("api/v1/stream") + (cursor ? "?cursor=" + encodeURIComponent(cursor) : "");
    source = new EventSource(url, { withCredentials: true });
    source.onerror = backOff;
    for (const type of ["hello", "notification", "transient", "resync", "preferences"]) {
      source.addEventListener(type, (event) => {
        const message = { type, id: event.lastEventId, data: JSON.parse(event.data) };
        if (type !== "hello") return tell(message);
        // What came before the stream was there shows in the counts.
        const { unread, unseen } = message.data.counts;
        const missed = failures > 0 || (client.counts && (client.counts.unread !== unread || client.counts.unseen !== unseen));
        failures = 0;
        tell({ ...message, type: "live", data: { connected: true, counts: message.data.counts } });
        if (missed) tell({ type: "resync", data: {} });
      });
    }
  }

  // Whoever has the stream may be a tab that nobody looks at: another one that
  // somebody looks at again, or that is online again, tells it not to wait.
  // A page that is shown again from the back/forward cache has lost its stream.
  const wake = ({ type, persisted }) => {
    if (persisted === false || (document.hidden && type !== "online")) return;
    if (leading && (failures || mode === "poll")) return start();
    channel?.postMessage({});
    client.resync();
  };
  const abort = new AbortController();
  const { signal } = abort;
  document.addEventListener("visibilitychange", wake, { signal });
  for (const type of ["online", "pageshow"]) addEventListener(type, wake, { signal });

  let leading = false;
  const lead = () => {
    leading = true;
    start();
    return new Promise((resolve) => (release = resolve));
  };
  if (channel && navigator.locks && mode === "sse") navigator.locks.request(name, { signal }, lead).catch(lead);
  else lead();
  client.resync();

  return {
    /** Tells the other tabs of a change made here. */
    share(data) {
      channel?.postMessage({ type: "change", data });
    },
    close() {
      closed = true;
      clearTimeout(timer);
      source?.close();
      abort.abort();
      release();
      channel?.close();
    },
  };
}
