/** A request's body, whole, within a limit. */

import type { IncomingMessage } from "node:http";
import { TailwireError } from "../core/errors.ts";

/**
 * Reads a body; undefined where the client broke off. What is over the limit is dropped as it comes, so that the
 * client gets to read the answer.
 * @throws {TailwireError} `event_too_large`, as soon as it is known
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(req.headers["content-length"] ?? 0) > maxBytes) return Promise.reject(tooLarge(req, maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes <= maxBytes) return;
      req.off("data", take);
      chunks.length = 0;
      reject(tooLarge(req, maxBytes));
    };
    req.on("data", take);
    req.once("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    req.once("close", () => resolve(undefined));
    req.once("error", () => resolve(undefined));
  });
}

function tooLarge(req: IncomingMessage, maxBytes: number): TailwireError {
  req.resume();
  return new TailwireError("event_too_large", `the body is larger than ${maxBytes} bytes (maxEventBytes)`);
}
