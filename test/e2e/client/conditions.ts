/** Waiting for what has to come: it is looked at each time that something has changed, and no time is slept. */

/** How long something that has to come may take; only a test that fails waits that long. */
const PATIENCE_MS = 15_000;

export interface Conditions {
  /** Something has changed: whoever waits looks again. */
  changed(): void;
  /**
   * Settles once it holds.
   * @throws {Error} with what was to come, and what there was instead
   */
  until(what: string, holds: () => boolean, instead?: () => string): Promise<void>;
}

export function conditions(): Conditions {
  const waiting = new Set<() => void>();
  return {
    changed() {
      for (const look of [...waiting]) look();
    },
    until: (what, holds, instead = () => "nothing else") =>
      new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const look = () => {
          if (!holds()) return;
          end();
          resolve();
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(`it never came to this: ${what}; there was ${instead()}`));
        }, PATIENCE_MS);
        waiting.add(look);
        look();
      }),
  };
}
