import { describe, expect, it } from "vitest";
import { openFault, readFault, writeFault } from "../../../src/store/disk/faults.ts";

const GIB = 2 ** 30;

describe("a fault of the disk", () => {
  it.each([
    ["EACCES", "misuse", "may not write there"],
    ["EPERM", "misuse", "may not write there"],
    ["EROFS", "misuse", "mounted read-only"],
    ["ENOTDIR", "misuse", "Name a folder"],
    ["ENOSPC", "store_unavailable", "the disk is full"],
    ["EIO", "misuse", "as the system says it"],
  ])("%s at opening is %s, and says what to do", (code, kind, advice) => {
    const error = openFault("/data", fault(code));
    expect(error).toMatchObject({ code: kind, parameter: "path" });
    expect(error.message).toContain("/data");
    expect(error.message).toContain(advice);
  });

  it("at writing may pass; that the disk is full is known by the code, or by what is free", () => {
    const full = "the disk is full. Nothing of this was stored; free some space";
    expect(writeFault("/data", fault("ENOSPC"), GIB).message).toContain(full);
    // LMDB says EIO (5) when only a part of a page could be written.
    expect(writeFault("/data", fault(5), 4096).message).toContain(full);
    expect(writeFault("/data", fault(5), GIB).message).toContain("as the system says it. Nothing of this was stored");
    expect(writeFault("/data", fault(5), undefined)).toMatchObject({ code: "store_unavailable" });
  });

  it("at reading says how to get out of it, once", () => {
    const error = readFault("/data", fault(-30796));
    expect(error.message).toContain("restore the folder from a backup");
    expect(readFault("/data", error)).toBe(error);
    expect(openFault("/data", error)).toBe(error);
    expect(readFault("/data", "no error").message).toContain("no error");
  });
});

function fault(code: string | number): Error {
  return Object.assign(new Error("as the system says it"), { code });
}
