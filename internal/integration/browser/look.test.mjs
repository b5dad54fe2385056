import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { badge, badgeOf, bellOf, open, openPanel, panelOf, settled, titles, until } from "./fixture.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds, in a line each. The policy of the page does not hold for tests. */
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.flatMap((v) => v.nodes.map((node) => v.id + ": " + node.target.flat().join(" ") + " " + (node.any[0]?.message ?? node.failureSummary)));
}

for (const colorScheme of ["light", "dark"]) {
  test("axe finds nothing, " + colorScheme, async (t) => {
    const me = await open(t, { colorScheme, bypassCSP: true });
    await me.send("read me", { Body: "Body", URL: "https://example.org/", Actions: [{ Key: "a", Title: "Approve", URL: "https://example.org/a" }] });
    await me.send("another");
    const page = await me.goto();
    await openPanel(page);
    await settled();
    await me.send("waiting");
    await panelOf(page).locator("[part=pill]").waitFor();
    assert.deepEqual(await violations(page), []);
    const inbox = await me.goto("/notify/inbox");
    await until(() => titles(inbox), (all) => all.length === 3, "titles");
    assert.deepEqual(await violations(inbox), []);
    const preferences = await me.goto("/notify/preferences");
    await preferences.locator("[part=table]").waitFor();
    assert.deepEqual(await violations(preferences), []);
    await preferences.locator("#enabled").uncheck();
    assert.deepEqual(await violations(preferences), []);
  });
}

test("readers find a dialog with a feed of articles", async (t) => {
  const me = await open(t);
  await me.send("n", { Count: 25 });
  const page = await me.goto();
  await openPanel(page);
  assert.equal(await page.getByRole("dialog", { name: "Notifications" }).count(), 1);
  const feed = page.getByRole("feed");
  await until(() => feed.getAttribute("aria-busy"), "false", "busy");
  const articles = feed.getByRole("article");
  assert.equal(await articles.first().getAttribute("aria-posinset"), "1");
  assert.match(await articles.first().getAttribute("aria-setsize"), /^(-1|25)$/);
  assert.match(await articles.first().textContent(), /^Unread: n 25/);
  assert.equal(await articles.first().evaluate((article) => article.getRootNode().getElementById(article.getAttribute("aria-labelledby")).textContent), "n 25");
});

test("nothing moves for those who do not want it", async (t) => {
  const me = await open(t, { reducedMotion: "reduce" });
  const page = await me.goto("/notify/preferences");
  await page.locator("#enabled").waitFor();
  const moving = await page.evaluate(() => [...document.querySelector("notify-preferences").shadowRoot.querySelectorAll("*")].filter((element) => ["", "::before"].some((pseudo) => {
    const style = getComputedStyle(element, pseudo || null);
    return parseFloat(style.transitionDuration) > 0 || style.animationName !== "none";
  })).length);
  assert.equal(moving, 0);
});

test("with forced colors badge, focus and switch can be seen", async (t) => {
  const me = await open(t, { forcedColors: "active" });
  await me.send("one");
  const page = await me.goto();
  await until(() => badge(page), "1", "badge");
  await bellOf(page).focus();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Tab");
  const [badgeStyle, focus] = await Promise.all([
    badgeOf(page).evaluate((element) => [getComputedStyle(element).color, getComputedStyle(element).backgroundColor]),
    bellOf(page).evaluate((element) => getComputedStyle(element).outlineStyle),
  ]);
  assert.notEqual(badgeStyle[0], badgeStyle[1]);
  assert.equal(focus, "solid");
  const preferences = await me.goto("/notify/preferences");
  const knob = await preferences.locator("#enabled").evaluate((element) => [getComputedStyle(element).borderTopColor, getComputedStyle(element).backgroundColor, getComputedStyle(element, "::before").backgroundColor]);
  assert.notEqual(knob[1], knob[2], "the knob stands out from the switch");
});

/** Everything of a locator that sticks out of the window. */
const inside = async (page, locator) => {
  const box = await locator.boundingBox();
  const { width, height } = page.viewportSize();
  return box.x >= 0 && box.y >= 0 && box.x + box.width <= width + 0.5 && box.y + box.height <= height + 0.5;
};

test("on a small telephone nothing scrolls sideways and all can be hit", async (t) => {
  const me = await open(t, { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true });
  await me.send("A title that is long enough to need more than one line on a small telephone", { Body: "word ".repeat(40) + "x".repeat(200), Actions: [{ Key: "a", Title: "Approve", URL: "https://example.org/" }] });
  for (const path of ["/page", "/notify/inbox", "/notify/preferences"]) {
    const page = await me.goto(path);
    if (path === "/page") await openPanel(page), assert.ok(await inside(page, panelOf(page)), "the panel is in the window");
    else await page.locator("article, table").first().waitFor();
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320, path);
    const small = await page.evaluate(() => {
      const found = [];
      for (const host of document.querySelectorAll("notify-bell, notify-inbox, notify-preferences")) {
        for (const element of host.shadowRoot.querySelectorAll("button, a[href].button, select, [part=cell] label")) {
          const box = element.getBoundingClientRect();
          if (box.width && (box.width < 43.5 || box.height < 43.5)) found.push(element.outerHTML.slice(0, 60) + ` ${box.width}x${box.height}`);
        }
      }
      return found;
    });
    assert.deepEqual(small, [], path);
  }
  me.quiet();
});

for (const dir of ["ltr", "rtl"]) {
  test("the panel stays in the window wherever the bell is, " + dir, async (t) => {
    const me = await open(t, { viewport: { width: 1280, height: 700 } });
    await me.send("n", { Count: 12 });
    for (const css of ["start.css", "end.css", "bottom.css"]) {
      for (const placement of ["bottom-end", "bottom-start", "top-end", "top-start"]) {
        const page = await me.goto("/page", { dir, css, elements: `<notify-bell placement="${placement}"></notify-bell>` });
        await openPanel(page);
        assert.ok(await inside(page, panelOf(page)), `${css} ${placement}: ${JSON.stringify(await panelOf(page).boundingBox())}`);
        await page.close();
      }
    }
  });
}

test("styles of the host do not get in, and ours do not get out", async (t) => {
  const me = await open(t);
  await me.send("one");
  const clean = await me.goto("/page", { css: "hostile.css", elements: "" });
  const before = await clean.locator(".text").screenshot();
  const page = await me.goto("/page", { css: "hostile.css" });
  assert.deepEqual(await page.locator(".text").screenshot(), before, "the host looks as before");
  await openPanel(page);
  const title = panelOf(page).locator("[part=item-title]");
  const style = await title.evaluate((element) => { const s = getComputedStyle(element); return [s.color, parseFloat(s.fontSize) < 30]; });
  assert.deepEqual(style, ["rgb(27, 28, 31)", true], "the panel can be read");
  const top = await title.evaluate((element) => {
    const box = element.getBoundingClientRect();
    return document.elementFromPoint(box.x + 2, box.y + 2)?.localName;
  });
  assert.equal(top, "notify-bell", "the panel is above everything");
});

test("the host's brand is a property or a part away", async (t) => {
  const me = await open(t);
  await me.send("one");
  const page = await me.goto("/page", { css: "brand.css" });
  await until(() => badge(page), "1", "badge");
  const [color, weight] = await badgeOf(page).evaluate((element) => [getComputedStyle(element).backgroundColor, getComputedStyle(element).fontWeight]);
  assert.equal(color, "rgb(4, 5, 6)");
  assert.equal(weight, "900");
  await page.locator("notify-bell").evaluate((bell) => bell.setAttribute("theme", "dark"));
  await openPanel(page);
  assert.equal(await panelOf(page).evaluate((element) => getComputedStyle(element).backgroundColor), "rgb(31, 32, 35)");
});

test("it speaks the language of the page, with its plurals and its direction", async (t) => {
  const me = await open(t);
  const say = (page) => bellOf(page).getAttribute("aria-label");
  const russian = await me.goto("/page", { lang: "ru" });
  for (const [count, want] of [[1, "Уведомления, 1 новое"], [1, "Уведомления, 2 новых"], [3, "Уведомления, 5 новых"], [16, "Уведомления, 21 новое"]]) {
    await me.send("н", { Count: count });
    await until(() => say(russian), want, "label");
  }
  const [badgeBox, bellBox] = [await badgeOf(russian).boundingBox(), await bellOf(russian).boundingBox()];
  const center = (box) => box.x + box.width / 2;
  assert.ok(center(badgeBox) > center(bellBox), "the badge is at the end of the line");
  const arabic = await me.goto("/page", { lang: "ar", dir: "rtl" });
  await until(() => say(arabic), "الإشعارات، 21 إشعارًا جديدًا", "label");
  const [mirrored, around] = [await badgeOf(arabic).boundingBox(), await bellOf(arabic).boundingBox()];
  assert.ok(center(mirrored) < center(around), "which is on the other side here");
  await russian.locator("notify-bell").evaluate((bell) => (bell.strings = { bellNew: "Hey, {0}!" }));
  assert.equal(await say(russian), "Hey, 21!", "the host's own words go first");
  await openPanel(arabic);
  assert.equal(await panelOf(arabic).evaluate((element) => getComputedStyle(element).direction), "rtl");
  for (const lang of ["de", "es", "pt-BR", "ru", "ar", "en"]) {
    const page = await me.goto("/page", { lang, dir: lang === "ar" ? "rtl" : "ltr", elements: "<notify-preferences></notify-preferences>" });
    await page.locator("[part=save]").waitFor();
    await until(() => page.locator("[part=save]").textContent(), (text) => lang === "en" ? text === "Save" : text !== "Save", "the words of " + lang);
    const clipped = await page.evaluate(() => [...document.querySelector("notify-preferences").shadowRoot.querySelectorAll("button, label, th, legend")].filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflow !== "visible").map((element) => element.textContent));
    assert.deepEqual(clipped, [], lang);
    await page.close();
  }
  me.quiet();
});
