import { describe, expect, it } from "vitest";
import { serve } from "./programs.ts";

/** What the balancers of the clouds keep an idle connection to a server for, in seconds. */
const LONGEST_OF_A_BALANCER = 600;

describe("tailwire serve", () => {
  it.each(["1", "2"])("ends an idle connection later than what stands before it does, with workers: %s", async (n) => {
    const { url } = await serve("--workers", n);
    for (const path of ["healthz", "channels/chat?wait=0"]) {
      const { headers } = await fetch(`${url}/${path}`);
      const [, seconds] = /^timeout=(\d+)$/.exec(headers.get("keep-alive") ?? "") ?? [];
      expect(Number(seconds)).toBeGreaterThan(LONGEST_OF_A_BALANCER);
    }
  });
});
