// Fetches the other elements where a page has them, now or later.

const otherElements = "notify-inbox, notify-preferences, notify-toasts";

function look(root) {
  if (!(root instanceof Element || root === document) || !(root.matches?.(otherElements) || root.querySelector(otherElements))) return;
  import("./inbox.js");
  observer.disconnect();
}

const observer = new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(look)));
observer.observe(document, { childList: true, subtree: true });
look(document);
