/**
 * Reads what the files under src/ import and holds it against the table of who may import whom (CONTRIBUTING.md shows
 * the same table). Pure: takes the files, gives what is wrong with them, so that it can be tested itself.
 */

import path from "node:path";
import { parseAst } from "vitest/node";

/** What the files of one part may import beside each other. */
interface Rule {
  /** Files, or folders where they end in a slash. */
  readonly files: readonly string[];
  /** Whether they may import Node's own modules. */
  readonly node: boolean;
  readonly packages: readonly string[] | "any";
  /** Whether they may read the time, set timers and draw random numbers themselves. */
  readonly time?: boolean;
}

const NOTHING = { files: [], node: false, packages: [] } satisfies Rule;
const WORDS = ["channel-name", "cursor", "errors", "event", "position"].map((name) => `src/core/${name}.ts`);
const CLIENT = ["src/wire/", ...WORDS, "src/core/clock.ts"];
const ENTRY = { ...NOTHING, files: ["src/core/", "src/server/", "src/store/memory.ts"] } satisfies Rule;

/** A part is a folder of src/, a folder in one that has a line of its own, or a file of src/. */
const RULES: Readonly<Record<string, Rule>> = {
  "index.ts": { ...ENTRY, files: [...ENTRY.files, "src/create-hub.ts"] },
  "create-hub.ts": ENTRY,
  core: NOTHING,
  wire: { ...NOTHING, files: WORDS },
  store: { ...NOTHING, files: ["src/core/", "src/wire/crc32.ts"] },
  "store/disk": { files: ["src/core/"], node: true, packages: ["lmdb"] },
  "store/redis": { ...NOTHING, files: ["src/core/", "src/store/generations.ts"], packages: ["redis"] },
  server: { files: ["src/core/", "src/wire/"], node: true, packages: ["ws", "negotiator"] },
  client: { ...NOTHING, files: CLIENT },
  eventsource: { ...NOTHING, files: CLIENT },
  react: { ...NOTHING, files: ["src/client/index.ts"], packages: ["react"] },
  testing: { files: ["src/core/", "src/wire/", "src/server/connection.ts"], node: true, packages: [] },
  workers: { ...NOTHING, files: ["src/core/"] },
  cli: {
    files: [
      "src/index.ts",
      "src/client/index.ts",
      "src/store/disk/index.ts",
      "src/store/redis/index.ts",
      "src/workers/",
    ],
    node: true,
    packages: "any",
    time: true,
  },
};

/** The only other files that may read the time, set timers and draw random numbers. */
const TIME = ["src/core/clock.ts", "src/client/backoff.ts"];

const CATCH_ALL = /^(utils?|helpers?)$/;

/**
 * What breaks the rules, one sentence each.
 * @param files text by path, such as `src/core/log.ts`
 */
export function faults(files: ReadonlyMap<string, string>): readonly string[] {
  const read = [...files].map(([file, text]) => readFile(file, text));
  return [...[...files.keys()].flatMap(faultsOfName), ...read.flatMap(faultsOfFile), ...cycles(read)];
}

/** A fault where a folder, or the file itself, is a catch-all. */
export function faultsOfName(file: string): readonly string[] {
  const names = file.split("/").map((name) => name.replace(/\..*$/, ""));
  const name = names.find((each) => CATCH_ALL.test(each));
  return name === undefined ? [] : [`${file}: "${name}" says nothing about what is in it`];
}

interface FileRead {
  readonly file: string;
  /** What it imports: `src/core/log.ts`, `npm:ws`, `node:http`; undefined where only running it tells. */
  readonly imports: readonly (string | undefined)[];
  /** How it reads the time, sets timers or draws random numbers. */
  readonly times: readonly string[];
}

function readFile(file: string, text: string): FileRead {
  const imports: (string | undefined)[] = [];
  const times: string[] = [];
  visit(parseAst(text, { lang: "ts" }) as unknown as Node, (node) => {
    if (IMPORTS.has(node.type) && node.source != null) imports.push(importedBy(file, node.source as Node));
    const time = timeUse(node);
    if (time !== undefined) times.push(time);
  });
  return { file, imports, times };
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const IMPORTS = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

function visit(node: Node, see: (node: Node) => void): void {
  see(node);
  for (const [key, value] of Object.entries(node)) {
    if (isName(node, key)) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) visit(child, see);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

/** Whether what stands there is only a name: `socket.setTimeout`, `{ setTimeout: 1 }`, `typeof setTimeout` as a type. */
function isName(node: Node, key: string): boolean {
  if (node.type === "TSTypeQuery") return (node.exprName as Node).type !== "TSImportType";
  return (key === "property" || key === "key") && node.computed !== true;
}

function importedBy(file: string, source: Node): string | undefined {
  const target = source.value;
  if (typeof target !== "string") return undefined;
  if (target.startsWith(".")) return path.posix.join(path.posix.dirname(file), target);
  return target.startsWith("node:") ? target : `npm:${target}`;
}

const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate"]);
const GLOBALS = new Set(["globalThis", "window", "self"]);

function timeUse(node: Node): string | undefined {
  if (node.type === "Identifier" && TIMERS.has(node.name as string)) return node.name as string;
  if (node.type === "MemberExpression") return timeMember(node);
  const callee = node.callee as Node | undefined;
  if (callee?.name !== "Date") return undefined;
  if (node.type === "CallExpression") return "Date()";
  const { length } = node.arguments as readonly unknown[];
  return node.type === "NewExpression" && length === 0 ? "new Date()" : undefined;
}

function timeMember(node: Node): string | undefined {
  const [object, property] = [lastName(node.object as Node), lastName(node)];
  if (GLOBALS.has(object ?? "") && TIMERS.has(property ?? "")) return property;
  const both = `${object}.${property}`;
  return both === "Date.now" || both === "Math.random" ? both : undefined;
}

/** `Date` of `Date`, of `globalThis.Date` and of `globalThis["Date"]`. */
function lastName(node: Node): string | undefined {
  const last = node.type === "MemberExpression" ? (node.property as Node) : node;
  return (last.name ?? last.value) as string | undefined;
}

function faultsOfFile({ file, imports, times }: FileRead): readonly string[] {
  const part = partOf(file);
  const rule = Object.hasOwn(RULES, part) ? RULES[part] : undefined;
  if (rule === undefined) return [`${file}: the table has no line for src/${part}`];
  const wrong = imports.filter((target) => !mayImport(part, rule, target));
  return [
    ...wrong.map((target) => `${file} may not import ${target ?? "what only running it tells"}`),
    ...(rule.time === true || TIME.includes(file) ? [] : faultsOfTime(file, imports, times)),
  ];
}

/** The part that a path is in, where it is under src/. */
function partOf(file: string): string {
  const [, folder = "", inner] = file.split("/");
  return Object.hasOwn(RULES, `${folder}/${inner}`) ? `${folder}/${inner}` : folder;
}

function mayImport(part: string, rule: Rule, target: string | undefined): boolean {
  if (target === undefined) return false;
  if (target.startsWith("node:")) return rule.node;
  if (target.startsWith("npm:")) return rule.packages === "any" || rule.packages.includes(packageOf(target));
  if (target.startsWith("src/") && partOf(target) === part) return true;
  return rule.files.some((own) => (own.endsWith("/") ? target.startsWith(own) : target === own));
}

function packageOf(target: string): string {
  const name = target.slice("npm:".length);
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}

function faultsOfTime(file: string, imports: FileRead["imports"], times: readonly string[]): readonly string[] {
  const timers = imports.filter((target) => target === "node:timers" || target === "node:timers/promises");
  return [...new Set([...times, ...timers])].map((use) => `${file} uses ${use}: take the time from core/clock`);
}

/** Each cycle among the files, once. Imports of types count: what needs each other belongs together. */
function cycles(read: readonly FileRead[]): readonly string[] {
  const imports = new Map(read.map((each) => [each.file, each.imports]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) found.push(`a cycle: ${[...way.slice(way.indexOf(file)), file].join(" → ")}`);
    if (way.includes(file) || done.has(file)) return;
    for (const target of imports.get(file) ?? []) {
      if (target !== undefined) walk(target, [...way, file]);
    }
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return found;
}
