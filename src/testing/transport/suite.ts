/** The transport suite: what the protocol promises to a client, as cases that every transport passes. */

import type { SuiteCase } from "../suite-case.ts";
import { DATA_CASES } from "./data-cases.ts";
import type { StartServer, TransportDriver } from "./driver.ts";
import { ENDING_CASES } from "./ending-cases.ts";
import { GAP_CASES } from "./gap-cases.ts";
import { LIVE_CASES } from "./live-cases.ts";
import { RESUME_CASES } from "./resume-cases.ts";
import { SEVERAL_CASES } from "./several-cases.ts";
import { SILENCE_CASES } from "./silence-cases.ts";
import { SLOW_CASES } from "./slow-cases.ts";
import { Stage, type TransportCase } from "./stage.ts";

const CASES: readonly TransportCase[] = [
  ...LIVE_CASES,
  ...DATA_CASES,
  ...RESUME_CASES,
  ...SEVERAL_CASES,
  ...GAP_CASES,
  ...SLOW_CASES,
  ...SILENCE_CASES,
  ...ENDING_CASES,
];

/**
 * The cases for a transport; those that need what it cannot carry are left out:
 *
 *     for (const { name, run } of transportSuite(myDriver, startServer)) test(name, run);
 */
export function transportSuite(driver: TransportDriver, start: StartServer): readonly SuiteCase[] {
  return CASES.filter(({ fits }) => fits === undefined || fits(driver)).map((each) => ({
    name: each.name,
    run: () => runCase(each, driver, start),
  }));
}

async function runCase({ settings = {}, run }: TransportCase, driver: TransportDriver, start: StartServer) {
  const stage = await Stage.set(driver, start, settings);
  try {
    await run(stage);
  } finally {
    await stage.strike();
  }
}
