/** What waits for a connection says so. */

/** Longer than this, a short request waits for one of the browser's connections to become free. */
const STALLED_MS = 1_500;

const STALLED =
  "Waiting: the browser gives this server six connections, and all are taken, perhaps by another tab. " +
  "Untick a transport.";

/**
 * @template T
 * @param {Promise<T>} request
 * @param {(problem: string) => void} tell
 * @returns {Promise<T>} the same
 */
export async function tellIfStalled(request, tell) {
  const timer = setTimeout(() => tell(STALLED), STALLED_MS);
  try {
    return await request;
  } finally {
    clearTimeout(timer);
  }
}
