import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { exampleConfig } from "./proxy.ts";

const OPERATIONS = readFileSync(path.resolve(import.meta.dirname, "../../../docs/operations.md"), "utf8");

it.each(["nginx", "haproxy"] as const)("docs/operations.md quotes the configuration of %s as it is", (name) => {
  const [, quoted = ""] = new RegExp(`^\`\`\`${name}\n(.+?)^\`\`\``, "ms").exec(OPERATIONS) ?? [];
  expect(quoted.length).toBeGreaterThan(500);
  expect(unindented(exampleConfig(name))).toContain(unindented(quoted));
});

function unindented(text: string): string {
  return text.replace(/^ +/gm, "");
}
