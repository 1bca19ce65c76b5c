import { describe, expect, it } from "vitest";
import { TailwireError } from "../../src/core/errors.ts";
import { problemOf } from "../../src/wire/problem.ts";

describe("problemOf", () => {
  it("has the status, its words, the code and what went wrong", () => {
    expect(problemOf(new TailwireError("event_too_large", "too big"))).toEqual({
      type: "about:blank",
      title: "Content Too Large",
      status: 413,
      code: "event_too_large",
      detail: "too big",
    });
  });

  it("names the parameter at fault", () => {
    const error = new TailwireError("invalid_parameter", "no", { parameter: "from" });
    expect(problemOf(error)).toMatchObject({ status: 400, parameter: "from" });
  });

  it("says how far an NDJSON body came", () => {
    const error = new TailwireError("invalid_data", "line 3 is not JSON");
    expect(problemOf(error, { line: 3, count: 2, first: "x:1", last: "x:2" })).toMatchObject({
      status: 400,
      line: 3,
      count: 2,
      first: "x:1",
      last: "x:2",
    });
  });
});
