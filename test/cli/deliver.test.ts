import { describe, expect, it } from "vitest";
import { backoffMs } from "../../src/cli/backoff.ts";
import { deliver } from "../../src/cli/deliver.ts";
import type { Trouble } from "../../src/cli/server-answer.ts";

const BATCH = { body: '"a"\n"b"\n', lines: 2, firstLine: 11, idempotencyKey: "k" };
const DOWN: Trouble = { passing: true, why: "connection refused", line: undefined };

describe("a batch", () => {
  it("is sent again, the same, until the server takes it", async () => {
    const { sent, waits, told, deliverTo } = courier();
    await deliverTo([DOWN, DOWN, DOWN, undefined]);
    expect(sent).toEqual([BATCH, BATCH, BATCH, BATCH]);
    expect(waits).toHaveLength(3);
    expect(told[0]).toMatch(/^not published yet: connection refused; trying again in \d\.\d s$/);
    expect(told.at(-1)).toBe("publishing again");
  });

  it("that is taken at once is no news", async () => {
    const { told, deliverTo } = courier();
    await deliverTo([undefined]);
    expect(told).toEqual([]);
  });

  it("that is refused fails, with the number of the line in the whole input", async () => {
    const { deliverTo } = courier();
    const trouble = { passing: false, why: "line 2 is longer than 9 bytes (413 event_too_large)", line: 2 };
    await expect(deliverTo([trouble])).rejects.toThrow(
      "line 12 is not published: it is longer than 9 bytes (413 event_too_large)",
    );
  });

  it("that is refused as a whole fails", async () => {
    const { deliverTo } = courier();
    await expect(deliverTo([{ passing: false, why: "no (400 x)", line: undefined }])).rejects.toThrow(
      "not published: no (400 x)",
    );
  });
});

describe("the delay before the next attempt", () => {
  it("is anything up to a ceiling that doubles from 0.5 s to 30 s", () => {
    const ceilings = [0, 1, 2, 3, 4, 5, 6, 7, 2000].map((attempt) => backoffMs(attempt, () => 1));
    expect(ceilings).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(backoffMs(5, () => 0)).toBe(0);
    expect(backoffMs(1, () => 0.5)).toBe(500);
  });
});

function courier() {
  const sent: unknown[] = [];
  const waits: number[] = [];
  const told: string[] = [];
  const deliverTo = (answers: readonly (Trouble | undefined)[]) =>
    deliver(BATCH, {
      post: async (batch) => {
        sent.push(batch);
        return answers[sent.length - 1];
      },
      wait: async (ms) => void waits.push(ms),
      tell: (text) => void told.push(text),
    });
  return { sent, waits, told, deliverTo };
}
