/** What is pushed, as an async iterator. */

/** Values that wait for the application past which nothing more is taken: the log has it, and gives it later. */
const MAX_QUEUED = 1000;

export interface Queue<T> extends AsyncIterableIterator<T> {
  push(value: T): void;
  return(): Promise<IteratorResult<T>>;
}

export interface QueueHooks {
  /** It holds as much as it may: pushes nothing more until `resume`. */
  pause(): void;
  resume(): void;
  /** It has ended, by its reader or by the signal. */
  ended(): void;
}

export function createQueue<T>(hooks: QueueHooks, signal: AbortSignal | undefined): Queue<T> {
  const items: T[] = [];
  const waiting: ((taken: IteratorResult<T>) => void)[] = [];
  let paused = false;
  let ended = false;

  function end(): void {
    if (ended) return;
    ended = true;
    signal?.removeEventListener("abort", end);
    for (const settle of waiting.splice(0)) settle(DONE);
    hooks.ended();
  }

  function take(): IteratorResult<T> | undefined {
    const value = items.shift();
    if (items.length === 0 && paused && !ended) {
      paused = false;
      hooks.resume();
    }
    return value === undefined ? undefined : { value, done: false };
  }

  if (signal?.aborted) queueMicrotask(end);
  signal?.addEventListener("abort", end);
  return {
    push(value) {
      if (ended) return;
      const settle = waiting.shift();
      if (settle !== undefined) return settle({ value, done: false });
      items.push(value);
      if (items.length < MAX_QUEUED || paused) return;
      paused = true;
      hooks.pause();
    },
    async next() {
      const taken = ended && signal?.aborted ? undefined : take();
      if (taken !== undefined) return taken;
      return ended ? DONE : new Promise((resolve) => waiting.push(resolve));
    },
    async return() {
      end();
      items.length = 0;
      return DONE;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const DONE = { value: undefined, done: true } as const;
