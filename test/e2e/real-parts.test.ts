import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realPart } from "./real-parts.ts";

describe("realPart", () => {
  let folder: string;
  let notes: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "tailwire-real-parts-"));
    notes = path.join(folder, "notes");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it("finds a program on the PATH", () => {
    const curl = program("curl");
    expect(realPart("curl", { PATH: `/nowhere${path.delimiter}${folder}` })).toEqual({ missing: false, path: curl });
  });

  it("takes the program that its variable names", () => {
    const other = program("other");
    expect(realPart("chromium", { PATH: "", TAILWIRE_CHROMIUM: other })).toEqual({ missing: false, path: other });
  });

  it("says what to install where the program is missing", () => {
    const env = { PATH: folder, TAILWIRE_TEST_NOTES: notes };
    expect(realPart("chromium", env)).toEqual({ missing: true, path: "chromium" });
    expect(readFileSync(notes, "utf8")).toBe(
      "skipped: tests in real Chromium. " +
        "Install it: apt-get install chromium (or set TAILWIRE_CHROMIUM to its path)\n",
    );
  });

  it("throws where the program is missing and demanded", () => {
    expect(() => realPart("curl", { PATH: folder, TAILWIRE_REQUIRE_REAL: "1" })).toThrow(/^curl is missing/);
  });

  it("throws where the variable names no program, rather than take another", () => {
    program("chromium");
    const env = { PATH: folder, TAILWIRE_CHROMIUM: path.join(folder, "nothing") };
    expect(() => realPart("chromium", env)).toThrow(/^TAILWIRE_CHROMIUM is .*nothing, which is not a program/);
  });

  function program(name: string): string {
    const file = path.join(folder, name);
    writeFileSync(file, "#!/bin/sh\n", { mode: 0o755 });
    return file;
  }
});
