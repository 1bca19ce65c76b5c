/**
 * Why a request came to nothing.
 *
 * @typedef {import("./lab-runner.js").Fault} Fault
 */

const PROBE_MS = 3_000;

const HOW_TO_TURN_ON = "needs --legacy-transports";

/**
 * @param {Response} answer one that is not what was asked for
 * @returns {Promise<Fault>}
 */
export async function faultOf(answer) {
  const problem = await answer.json().catch(() => undefined);
  const detail = typeof problem?.detail === "string" ? `: ${problem.detail}` : "";
  return { why: `the server answered ${answer.status}${detail}`, final: answer.status < 500 };
}

/**
 * @param {unknown} error a fault, or what `fetch` throws where there was no answer
 * @returns {Fault}
 */
export function faultOfError(error) {
  return error instanceof Error ? { why: "the connection broke" } : /** @type {Fault} */ (error);
}

/**
 * Asks for a short answer of a kind that the server may have switched off.
 *
 * @param {URL} url
 * @param {RegExp} type that its answer has
 * @returns {Promise<string>} empty where the server has it
 */
export async function whyOff(url, type) {
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PROBE_MS) });
  if (answer.ok && type.test(answer.headers.get("Content-Type") ?? "")) return "";
  const problem = await answer.json().catch(() => undefined);
  return problem?.code === "transport_disabled" ? HOW_TO_TURN_ON : "not in this server";
}
