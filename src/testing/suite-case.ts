/** A case of a suite: any test runner can run it. */

/**
 * One behaviour that an implementation must have:
 *
 *     for (const { name, run } of storeSuite(make)) test(name, run);
 */
export interface SuiteCase {
  /** A sentence about behaviour. */
  readonly name: string;
  /** Rejects with an AssertionError of node:assert where the behaviour is missing. Cleans up after itself. */
  run(): Promise<void>;
}
