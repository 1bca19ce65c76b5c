import { existsSync, mkdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { open } from "lmdb";
import { describe, expect, it } from "vitest";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import { TailwireError } from "../../../src/core/errors.ts";
import { diskStore } from "../../../src/store/disk/index.ts";
import { makeFolder, openStore } from "./folder.ts";

const chat = parseChannelName("chat");
const HEAD = { maxEvents: 0, maxBytes: 0 };

describe("a folder that cannot be a disk store is refused with what to do:", () => {
  it.each<[string, (folder: string) => void | Promise<void>, RegExp]>([
    ["a file", (folder) => writeFileSync(path.join(folder, "store"), "x"), /is a file\. Name a folder/],
    ["a folder within a file", (folder) => writeFileSync(path.join(folder, "store"), "x"), /is a file\. Name a folder/],
    ["data.mdb of something else", (folder) => write(folder, "not a database\n"), /no data file of LMDB\. Restore/],
    ["data.mdb of noise", (folder) => write(folder, Buffer.alloc(20_000, 0xa5)), /no data file of LMDB\. Restore/],
    ["data.mdb of zeros", (folder) => write(folder, Buffer.alloc(20_000)), /no data file of LMDB\. Restore/],
    ["a store that was cut short", cutShort, /was cut short.*Restore it from a backup/],
    ["a store with another LMDB format", otherVersion, /version 7 of LMDB's format/],
    [
      "another program's LMDB",
      (folder) => putFormat(folder, "some", "thing"),
      /not made by Tailwire\. Name another path/,
    ],
    ["a newer format", (folder) => putFormat(folder, "f", '{"tailwire":2}'), /newer version.*format 2.*knows 1/],
    ["one that another machine has open", (folder) => heldElsewhere(folder, 0), /build-7 has it open.*another machine/],
  ])("%s", async (what, make, says) => {
    const folder = makeFolder();
    await make(folder);
    const within = what === "a folder within a file" ? ["store", "inner"] : ["store"];
    const error = faultOf(() => diskStore({ path: path.join(folder, ...within) }));
    expect(error).toBeInstanceOf(TailwireError);
    expect(error).toMatchObject({ code: "misuse", parameter: "path" });
    expect((error as Error).message).toContain(folder);
    expect((error as Error).message).toMatch(says);
  });

  it("one where this process may not make anything", () => {
    const error = faultOf(() => diskStore({ path: "/sys/kernel/tailwire" }));
    expect(error).toMatchObject({ code: "misuse" });
  });

  it("none at all", () => {
    expect(faultOf(() => diskStore({ path: "" }))).toMatchObject({ code: "misuse", parameter: "path" });
    expect(faultOf(() => diskStore({ path: makeFolder(), retention: { maxEvents: -1 } }))).toMatchObject({
      code: "misuse",
      parameter: "maxEvents",
    });
  });
});

describe("the machine that has a folder open", () => {
  it("is forgotten when it has been silent for ten seconds", async () => {
    const folder = makeFolder();
    heldElsewhere(folder, 11);
    const store = openStore(path.join(folder, "store"));
    expect((await store.read(chat, { kind: "now" }, HEAD)).head.offset).toBe(0);
    expect(readFileSync(path.join(folder, "store", "machine.json"), "utf8")).not.toContain("build-7");
  });

  it("is not told any more once it has closed", async () => {
    const folder = makeFolder();
    await diskStore({ path: folder }).close?.();
    expect(existsSync(path.join(folder, "machine.json"))).toBe(false);
  });

  it("a folder that was refused can be opened when what was wrong is mended", async () => {
    const folder = path.join(makeFolder(), "store");
    mkdirSync(folder);
    writeFileSync(path.join(folder, "data.mdb"), "noise");
    expect(faultOf(() => diskStore({ path: folder }))).toBeInstanceOf(TailwireError);
    expect(existsSync(path.join(folder, "machine.json"))).toBe(false);
    writeFileSync(path.join(folder, "data.mdb"), "");
    expect((await openStore(folder).read(chat, { kind: "now" }, HEAD)).head.offset).toBe(0);
  });
});

function faultOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

function write(folder: string, data: string | Buffer): void {
  mkdirSync(path.join(folder, "store"));
  writeFileSync(path.join(folder, "store", "data.mdb"), data);
}

async function cutShort(folder: string): Promise<void> {
  const store = diskStore({ path: path.join(folder, "store") });
  const data = { kind: "binary", bytes: new Uint8Array(900_000) } as const;
  await store.append(chat, { data, type: "message", key: undefined, idempotencyKey: undefined });
  await store.close?.();
  truncateSync(path.join(folder, "store", "data.mdb"), 20_000);
}

async function otherVersion(folder: string): Promise<void> {
  await diskStore({ path: path.join(folder, "store") }).close?.();
  const file = path.join(folder, "store", "data.mdb");
  const bytes = readFileSync(file);
  bytes[28] = 7;
  writeFileSync(file, bytes);
}

async function putFormat(folder: string, key: string, value: string): Promise<void> {
  const options = { noSubdir: false, encoding: "binary", keyEncoding: "binary", overlappingSync: false } as const;
  const lmdb = open<Buffer, Buffer>({ path: path.join(folder, "store"), ...options });
  lmdb.putSync(Buffer.from(key), Buffer.from(value));
  await lmdb.close();
}

function heldElsewhere(folder: string, silentS: number): void {
  const file = path.join(folder, "store", "machine.json");
  mkdirSync(path.join(folder, "store"), { recursive: true });
  writeFileSync(file, JSON.stringify({ machine: "another", host: "build-7" }));
  const at = Date.now() / 1000 - silentS;
  utimesSync(file, at, at);
}
