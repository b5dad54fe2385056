// Makes the pictures of the README from the demo: node shots.mjs [folder]. The
// folder is docs/images; with "all" as second word every page is shown in every
// form, for who wants to look at them.

import { spawn, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, "docs/images"));
const everything = process.argv[3] === "all";
mkdirSync(folder, { recursive: true });

const scratch = mkdtempSync(join(tmpdir(), "shots"));
execFileSync("go", ["build", "-o", join(scratch, "demo"), "./examples/demo"], { cwd: root });
const demo = spawn(join(scratch, "demo"), ["-addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
const [base] = await once(createInterface(demo.stdout), "line");
const args = ["--disable-gpu", "--no-first-run", "--disable-background-networking", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
const browser = await chromium.launch({ executablePath: process.env.NOTIFY_TEST_CHROMIUM || "/usr/bin/chromium", args });

// The story: Raj has what he likes and what he does not.
const ask = (path, user = "raj") => fetch(base + path, { method: "POST", headers: { cookie: "user=" + user } });
for (const what of ["lead", "message", "invoice"]) await ask("/send/" + what);
if (everything) await ask("/send/hostile");
await ask("/advance");

const complaints = [];
for (const scheme of ["light", "dark"]) {
  for (const [size, width, height] of [["wide", 1000, 640], ["narrow", 320, 640]]) {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, locale: "en-GB", timezoneId: "UTC", reducedMotion: "reduce" });
    await context.addCookies([{ name: "user", value: "raj", url: base }]);
    const page = await context.newPage();
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    for (const [name, path, ready] of [
      ["bell", "/", "notify-bell article"],
      ["settings", "/settings", "notify-preferences table"],
      ["inbox", "/inbox", "notify-inbox article"],
      ["letters", "/letters", "iframe"],
      ["pushes", "/pushes", "pre"],
    ]) {
      if (!everything && (size === "narrow" || !["bell", "settings"].includes(name))) continue;
      await page.goto(base + path);
      if (name === "bell") await page.locator("notify-bell [part=bell]").click();
      await page.locator(ready).first().waitFor();
      await page.waitForTimeout(300); // frames paint
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) complaints.push(`${name} in ${width} px scrolls sideways by ${wide} px`);
      await page.screenshot({ path: join(folder, `${name}-${everything ? size + "-" : ""}${scheme}.png`), fullPage: name !== "bell" && size === "narrow" });
    }
    await context.close();
  }
}

await browser.close();
demo.kill();
await once(demo, "exit");
rmSync(scratch, { recursive: true });
if (complaints.length) {
  console.error(complaints.join("\n"));
  process.exit(1);
}
