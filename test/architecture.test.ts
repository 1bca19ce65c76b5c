import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { faults, faultsOfName } from "./architecture.ts";

const ROOT = path.resolve(import.meta.dirname, "..");

describe("the sources", () => {
  const sources = filesUnder("src").filter((file) => file.endsWith(".ts"));

  it("import only what the table allows, without cycles, and take time from the clock", () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(faults(new Map(sources.map((file) => [file, readFileSync(path.join(ROOT, file), "utf8")])))).toEqual([]);
  });

  it.each(["test", "scripts", "bench", "examples"])("have no catch-all beside them, in %s", (folder) => {
    expect(filesUnder(folder).flatMap(faultsOfName)).toEqual([]);
  });
});

describe("the table", () => {
  it.each([
    ["core", "./log.ts"],
    ["wire", "./sse.ts"],
    ["wire", "../core/cursor.ts"],
    ["store", "../core/store.ts"],
    ["store/disk", "../../core/store.ts"],
    ["store/disk", "./keys.ts"],
    ["store/disk", "node:fs"],
    ["store/disk", "lmdb"],
    ["store/redis", "redis"],
    ["server", "../wire/sse.ts"],
    ["server", "../core/hub.ts"],
    ["server", "node:http"],
    ["server", "ws"],
    ["client", "../core/clock.ts"],
    ["testing", "../server/connection.ts"],
    ["testing", "node:assert/strict"],
    ["cli", "../index.ts"],
    ["cli", "commander"],
    ["cli", "@scope/name/part"],
  ])("lets %s import %s", (folder, target) => {
    expect(faultsOf(`src/${folder}/file.ts`, `import "${target}";`)).toEqual([]);
  });

  it.each([
    ["core", "../wire/sse.ts", "src/wire/sse.ts"],
    ["core", "node:events", "node:events"],
    ["core", "ws", "npm:ws"],
    ["wire", "../core/hub.ts", "src/core/hub.ts"],
    ["wire", "../core/clock.ts", "src/core/clock.ts"],
    ["wire", "node:buffer", "node:buffer"],
    ["store", "../wire/message.ts", "src/wire/message.ts"],
    ["store", "./disk/keys.ts", "src/store/disk/keys.ts"],
    ["store", "lmdb", "npm:lmdb"],
    ["store/disk", "../memory.ts", "src/store/memory.ts"],
    ["store", "redis", "npm:redis"],
    ["store/redis", "node:net", "node:net"],
    ["server", "../store/memory.ts", "src/store/memory.ts"],
    ["server", "../index.ts", "src/index.ts"],
    ["server", "express", "npm:express"],
    ["server", "ws-extra", "npm:ws-extra"],
    ["client", "../server/limits.ts", "src/server/limits.ts"],
    ["client", "../core/log.ts", "src/core/log.ts"],
    ["testing", "../server/handler.ts", "src/server/handler.ts"],
    ["testing", "vitest", "npm:vitest"],
    ["cli", "../core/hub.ts", "src/core/hub.ts"],
    ["cli", "../../test/architecture.ts", "test/architecture.ts"],
    ["cli", "../../../outside.ts", "../outside.ts"],
  ])("does not let %s import %s", (folder, target, named) => {
    expect(faultsOf(`src/${folder}/file.ts`, `import "${target}";`)).toEqual([
      `src/${folder}/file.ts may not import ${named}`,
    ]);
  });

  it("lets the server entry import core, server and the memory store, and no more", () => {
    const allowed = ["core/hub.ts", "server/node.ts", "store/memory.ts", "create-hub.ts"];
    expect(faultsOf("src/index.ts", allowed.map((file) => `export * from "./${file}";`).join(""))).toEqual([]);
    expect(faultsOf("src/create-hub.ts", `import "./wire/sse.ts"; import "./index.ts";`)).toEqual([
      "src/create-hub.ts may not import src/wire/sse.ts",
      "src/create-hub.ts may not import src/index.ts",
    ]);
  });

  it("asks for a line for each new folder and file of src", () => {
    expect(faultsOf("src/other/file.ts", "")).toEqual(["src/other/file.ts: the table has no line for src/other"]);
    expect(faultsOf("src/toString.ts", "")).toEqual(["src/toString.ts: the table has no line for src/toString.ts"]);
  });
});

describe("the reader of imports", () => {
  it.each([
    `import "../wire/sse.ts";`,
    `import type { A } from "../wire/sse.ts";`,
    `import { type A, b } from '../wire/sse.ts';`,
    `import * as sse from "../wire/sse.ts";`,
    `export * from "../wire/sse.ts";`,
    `export { a } from "../wire/sse.ts";`,
    `export type { A } from "../wire/sse.ts";`,
    `const sse = await import("../wire/sse.ts");`,
    `let a: import("../wire/sse.ts").A;`,
    `let a: typeof import("../wire/sse.ts");`,
    '/* a comment */ import /* another */\n{ a\n} from // a third\n"../wire/sse.ts";',
  ])("sees %s", (text) => {
    expect(faultsOf("src/core/file.ts", text)).toEqual(["src/core/file.ts may not import src/wire/sse.ts"]);
  });

  it.each([
    `// import "../wire/sse.ts";`,
    `/* import "../wire/sse.ts"; */`,
    `const text = 'import "../wire/sse.ts";';`,
    "const text = `import('../wire/sse.ts')`;",
    `const pattern = /import("..\\/wire\\/sse.ts")/;`,
    "export const one = 1;",
  ])("sees no import in %s", (text) => {
    expect(faultsOf("src/core/file.ts", text)).toEqual([]);
  });

  it("does not let an import hide what it imports", () => {
    expect(faultsOf("src/server/file.ts", "await import(name);")).toEqual([
      "src/server/file.ts may not import what only running it tells",
    ]);
  });
});

describe("the search for cycles", () => {
  it("finds each once, of whatever length, also through types", () => {
    const files = new Map([
      ["src/core/a.ts", `import "./b.ts";`],
      ["src/core/b.ts", `import type { C } from "./c.ts";`],
      ["src/core/c.ts", `export * from "./a.ts";`],
      ["src/core/self.ts", `import "./self.ts"; import "./a.ts";`],
    ]);
    expect(faults(files)).toEqual([
      "a cycle: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts",
      "a cycle: src/core/self.ts → src/core/self.ts",
    ]);
  });

  it("takes two ways to one file for no cycle", () => {
    const files = new Map([
      ["src/core/a.ts", `import "./b.ts"; import "./c.ts";`],
      ["src/core/b.ts", `import "./d.ts";`],
      ["src/core/c.ts", `import "./d.ts";`],
      ["src/core/d.ts", ""],
    ]);
    expect(faults(files)).toEqual([]);
  });
});

describe("the rule of time", () => {
  it.each([
    ["Date.now()", "Date.now"],
    ["const { now } = { now: Date.now };", "Date.now"],
    ["globalThis.Date.now()", "Date.now"],
    [`Date["now"]()`, "Date.now"],
    ["new Date()", "new Date()"],
    ["new Date", "new Date()"],
    ["Date()", "Date()"],
    ["setTimeout(() => {}, 1)", "setTimeout"],
    ["globalThis.setTimeout(() => {}, 1)", "setTimeout"],
    ["setInterval(() => {}, 1)", "setInterval"],
    ["const soon = setImmediate;", "setImmediate"],
    ["const timers = { setTimeout };", "setTimeout"],
    ["Math.random()", "Math.random"],
    [`import { setTimeout as wait } from "node:timers/promises";`, "node:timers/promises"],
  ])("finds %s", (text, use) => {
    expect(faultsOf("src/server/file.ts", text)).toContain(
      `src/server/file.ts uses ${use}: take the time from core/clock`,
    );
  });

  it.each([
    "new Date(0)",
    "Math.floor(1.5)",
    "socket.setTimeout(1)",
    "const options = { setTimeout: 1 };",
    "clearTimeout(timer)",
    "let timer: ReturnType<typeof setTimeout>;",
    "// Date.now()",
    "clock.now()",
  ])("allows %s", (text) => {
    expect(faultsOf("src/server/file.ts", text)).toEqual([]);
  });

  it("leaves the clock itself, the backoff and the CLI alone", () => {
    for (const file of ["src/core/clock.ts", "src/client/backoff.ts", "src/cli/serve.ts"]) {
      expect(faultsOf(file, "setTimeout(() => Date.now(), Math.random());")).toEqual([]);
    }
  });
});

describe("the rule of names", () => {
  it.each(["src/core/utils.ts", "src/server/helpers/x.ts", "test/util.test.ts", "scripts/helper.mjs"])(
    "finds %s",
    (file) => expect(faultsOfName(file)).toHaveLength(1),
  );

  it("leaves names alone that only contain such a word", () => {
    expect(faultsOfName("src/server/utility-bill.ts")).toEqual([]);
  });
});

function faultsOf(file: string, text: string): readonly string[] {
  return faults(new Map([[file, text]]));
}

/** Their paths from the root, with forward slashes. */
function filesUnder(folder: string): readonly string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes("node_modules"))
    .map((file) => file.replaceAll(path.sep, "/"));
}
