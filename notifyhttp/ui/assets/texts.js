// The words. English is here, and in the modules that add theirs; the others are
// fetched when they are needed. A text with plural forms is an object by the
// categories of Intl.PluralRules.

export const english = {
  notifications: "Notifications",
  bell: "Notifications, {0} unread",
  bellNew: "Notifications, {0} new",
  bellSome: "Notifications, there are new ones",
  arrived: { one: "{0} new notification", other: "{0} new notifications" },
  offline: "There is no connection.",
  signedOut: "You are signed out.",
  failed: "That did not work.",
};

const others = ["ar", "de", "es", "pt", "ru"];
const loaded = new Map([["en", Promise.resolve(english)]]);

/** @param {string} tag a BCP 47 language tag */
export function load(tag) {
  const language = tag.split("-")[0].toLowerCase();
  if (!loaded.has(language) && others.includes(language)) {
    loaded.set(language, import(`./texts-${language}.js`).then((module) => ({ ...module.default, language }), () => {
      loaded.delete(language); // the next element tries again
      return english;
    }));
  }
  return loaded.get(language) ?? loaded.get("en");
}

/** @param {string | Record<string, string>} text @param {any} count @param {string} language */
export function plural(text, count, language) {
  if (typeof text === "string") return text;
  return text[new Intl.PluralRules(language).select(Number(count) || 0)] ?? text.other;
}
