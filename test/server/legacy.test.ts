/** Whose pages may have a frame: the server's own, as far as it knows itself. The rest is tested from sockets. */

import { describe, expect, it } from "vitest";
import { readLegacyOptions, readOrigin } from "../../src/server/legacy.ts";

const legacy = readLegacyOptions({ legacyTransports: true });

const read = (origin: string, secure: boolean) =>
  readOrigin(new URLSearchParams({ origin }), { host: "app.example", secure }, legacy);

describe("a page of the server's own host", () => {
  it("may be of either scheme where the request came without TLS, which a proxy may have ended", () => {
    for (const origin of ["http://app.example", "https://app.example"]) expect(read(origin, false)).toBe(origin);
  });

  it("is of https where it came over TLS: who can forge a page of http gets nothing of it", () => {
    expect(read("https://app.example", true)).toBe("https://app.example");
    expect(() => read("http://app.example", true)).toThrow(expect.objectContaining({ code: "origin_not_allowed" }));
  });
});
