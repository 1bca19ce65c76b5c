/** What to make of a server's answer, or of none. */

export interface Trouble {
  /** Whether the same request may do better later. */
  readonly passing: boolean;
  readonly why: string;
  /** NDJSON: the line at fault, counted from 1. */
  readonly line: number | undefined;
}

/** Statuses below 500 that say "later" (RFC 9110, 15.5.9; RFC 8470, 5.2; RFC 6585, 4). */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  ENOTFOUND: "no such host",
  UND_ERR_SOCKET: "connection broken off",
};

/** An answer that is not the one hoped for. Reads its body. */
export async function troubleOf(response: Response): Promise<Trouble> {
  const { status } = response;
  const problem = await readProblem(response);
  const line = typeof problem.line === "number" ? problem.line : undefined;
  return { passing: status >= 500 || LATER.has(status), why: describe(response, problem), line };
}

/** An attempt that brought no answer. */
export function troubleOfError(error: unknown): Trouble {
  return { passing: true, why: describeError(error), line: undefined };
}

/** What `fetch` stumbled over, in few words. */
export function describeError(error: unknown): string {
  // fetch says only "fetch failed"; its cause knows more.
  const { cause = error } = error as Error;
  const { code = "", message = "", name = "" } = cause as NodeJS.ErrnoException;
  if (name === "TimeoutError") return "no answer in time";
  return WORDS[code] ?? (message === "" ? code : message);
}

function describe({ status, statusText, headers }: Response, { code, detail }: Record<string, unknown>): string {
  if (typeof code === "string" && typeof detail === "string") return `${detail} (${status} ${code})`;
  const location = headers.get("location");
  return `the server answered ${status} ${statusText}${location === null ? "" : `, see ${location}`}`.trimEnd();
}

/** The members of a problem document; none where the answer is something else. */
async function readProblem(response: Response): Promise<Record<string, unknown>> {
  const type = response.headers.get("content-type") ?? "";
  try {
    if (type.startsWith("application/problem+json")) return (await response.json()) as Record<string, unknown>;
    await response.body?.cancel();
  } catch {
    // The status says enough.
  }
  return {};
}
