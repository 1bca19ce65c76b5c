/** Whether an endless answer is compressed (RFC 9110, 12.5.3). */

import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import Negotiator from "negotiator";
import type { Answer } from "./answer.ts";

interface ContentCoding {
  /** Whether the body is in gzip. */
  readonly gzip: boolean;
  readonly headers: OutgoingHttpHeaders;
}

/**
 * gzip, where it is on and the client likes it at least as well as none; not for HTTP/1.0, whose answers have no end but
 * that of the connection, nor through a response into which something else writes in its own way, as Express's compression
 * does.
 */
export function contentCoding({ req, res, compression }: Pick<Answer, "req" | "res" | "compression">): ContentCoding {
  if (!compression) return { gzip: false, headers: {} };
  const gzip = prefersGzip(req) && req.httpVersion !== "1.0" && isOwn(res);
  const headers = { Vary: addTo(res.getHeader("Vary")) };
  return { gzip, headers: gzip ? { ...headers, "Content-Encoding": "gzip" } : headers };
}

/** Without the header a client could take anything; one that says nothing is more likely to know nothing. */
function prefersGzip({ headers }: Answer["req"]): boolean {
  return new Negotiator({ headers }).encodings(["gzip", "identity"])[0] === "gzip";
}

function isOwn(res: ServerResponse): boolean {
  return !Object.hasOwn(res, "write") && !res.hasHeader("Content-Encoding");
}

/** RFC 9110, 12.5.5: others may have set it before. */
function addTo(vary: number | string | string[] | undefined): string {
  return vary === undefined ? "Accept-Encoding" : `${vary}, Accept-Encoding`;
}
