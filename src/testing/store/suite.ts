/** The store suite: what core/store.ts promises, as cases that every store passes. */

import type { SuiteCase } from "../suite-case.ts";
import { APPEND_CASES } from "./append-cases.ts";
import { DATA_CASES } from "./data-cases.ts";
import { FOLLOW_CASES } from "./follow-cases.ts";
import { NODE_CASES } from "./node-cases.ts";
import { PURGE_CASES } from "./purge-cases.ts";
import { READ_CASES } from "./read-cases.ts";
import { RETENTION_CASES } from "./retention-cases.ts";
import { type MakeStore, type StoreAbility, type StoreCase, Subject } from "./subject.ts";

const CASES: readonly StoreCase[] = [
  ...APPEND_CASES,
  ...READ_CASES,
  ...DATA_CASES,
  ...FOLLOW_CASES,
  ...RETENTION_CASES,
  ...PURGE_CASES,
  ...NODE_CASES,
];

/**
 * The cases for a store, whether it answers at once or with promises:
 *
 *     for (const { name, run } of storeSuite(makeMyStore, ["purge"])) test(name, run);
 *
 * @param make makes a store of its own for each case
 * @param abilities what the store, or what `make` gives with it, has beside the contract: cases that need another
 * are left out
 */
export function storeSuite(make: MakeStore, abilities: readonly StoreAbility[] = []): readonly SuiteCase[] {
  return CASES.filter(({ needs = [] }) => needs.every((need) => abilities.includes(need))).map((each) => ({
    name: each.name,
    run: () => runCase(each, make),
  }));
}

async function runCase({ settings = {}, run }: StoreCase, make: MakeStore): Promise<void> {
  const made = await make(settings);
  try {
    await run(new Subject(made));
  } finally {
    await made.close();
  }
}
