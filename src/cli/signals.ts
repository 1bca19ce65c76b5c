/** SIGINT and SIGTERM: the first asks for an orderly end, a second ends at once. */

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * A terminal sends Ctrl-C to npm and to what npm runs, and npm passes it on: two signals for one key press
 * (npm/cli issue 5021). A second one counts from here on.
 */
const REPEAT_MS = 500;

/**
 * Calls `end` at the first signal.
 * @param end is given the exit code of a process that a signal ended
 */
export function onFirstSignal(end: (exitCode: number) => void): void {
  let firstAt: number | undefined;
  const take = (signal: keyof typeof NUMBERS) => {
    const exitCode = 128 + NUMBERS[signal];
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      end(exitCode);
    } else if (now - firstAt > REPEAT_MS) process.exit(exitCode);
  };
  process.on("SIGINT", take);
  process.on("SIGTERM", take);
}

/** Settles at the first signal. From the call on a signal ends the process no more, but for a second one. */
export function firstSignal(): Promise<void> {
  return new Promise((resolve) => onFirstSignal(() => resolve()));
}
