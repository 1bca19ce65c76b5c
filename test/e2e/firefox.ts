/** Plain Firefox on one page, which tells the test by requests of its own what it sees. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

/** Nothing that is not asked for: no first page, no updates, no reports. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.systemAddon.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.enabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};

/** Opens a URL in a Firefox of its own, until the test is over. */
export function openInFirefox(program: string, url: string): void {
  const profile = mkdtempSync(path.join(tmpdir(), "tailwire-firefox-"));
  const lines = Object.entries(PREFERENCES).map(
    (pair) => `user_pref(${pair.map((each) => JSON.stringify(each)).join()});`,
  );
  writeFileSync(path.join(profile, "user.js"), lines.join("\n"));
  const args = ["--headless", "--no-remote", "--profile", profile, url];
  const child = spawn(program, args, { stdio: "ignore", env: { ...process.env, HOME: profile } });
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill();
    await closed;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
}
