/** Fetch streaming: one endless answer, read piece by piece. */

import { faultOf, faultOfError } from "./lab-fault.js";
import { lineReader } from "./lab-lines.js";

/** @type {import("./lab-runner.js").Open} */
export function open(url, { opened, received, ended }) {
  const abort = new AbortController();

  async function read() {
    const headers = { Accept: "application/x-ndjson" };
    const answer = await fetch(url, { headers, cache: "no-store", signal: abort.signal });
    if (!answer.ok || !answer.body) throw await faultOf(answer);
    opened();
    // It decodes across pieces: a character of several bytes may be split between two of them.
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const take = lineReader(received);
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) take(piece.value);
  }

  read().then(
    () => ended(),
    (error) => ended(faultOfError(error)),
  );
  return () => abort.abort();
}
