/** Real timers. That they keep a program alive is shown in interface.test.ts. */

import { expect, it } from "vitest";
import { awakeClock } from "../../src/eventsource/awake-clock.ts";

it("runs what it was given once, and not when that was cancelled", async () => {
  const ran: string[] = [];
  const cancel = awakeClock.after(1, () => ran.push("cancelled"));
  cancel();
  cancel();
  await new Promise<void>((resolve) => {
    awakeClock.after(2, () => {
      ran.push("run");
      awakeClock.after(2, resolve);
    });
  });
  expect(ran).toEqual(["run"]);
});
