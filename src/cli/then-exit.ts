/** The end of a process that serves. */

import { Failure } from "./failure.ts";
import { tell } from "./tell.ts";

/** Runs what a server does until its end, and exits: clients that hang on would keep the process. */
export async function thenExit(run: () => Promise<void>): Promise<never> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Failure) tell(error.message);
    else console.error(error);
    process.exit(error instanceof Failure ? error.exitCode : 1);
  }
  process.exit(0);
}
