/** Pages in a frame, as the drivers of both transports that have them know them. */

import type { IncomingMessage } from "node:http";
import { FramePage, type Posted } from "./script-page.ts";

/** The page around the frame. */
const ORIGIN = "https://app.example:8443";

/** What asks for a frame in a page of that origin, which the server has to allow. */
export const FRAME_QUERY = { origin: ORIGIN } as const;
export const FRAME_OPTIONS = { legacyTransports: true, allowOrigins: [ORIGIN] } as const;

const POLICY = new RegExp(
  "^default-src 'none'; script-src 'nonce-([\\w-]{22})'; frame-ancestors https://app\\.example:8443; " +
    "base-uri 'none'; form-action 'none'$",
);

/** The page that an answer brings. */
export function framePage({ headers }: IncomingMessage): FramePage {
  const nonce = POLICY.exec(String(headers["content-security-policy"]))?.[1];
  if (nonce === undefined) throw new Error(`this is no policy: ${headers["content-security-policy"]}`);
  if (headers["content-type"] !== "text/html; charset=utf-8") throw new Error(`a ${headers["content-type"]}`);
  return new FramePage(nonce);
}

/** What was posted, all of it to the page around. */
export function messagesOf(posted: readonly Posted[]): readonly unknown[] {
  return posted.map(({ message, origin }) => {
    if (origin !== ORIGIN) throw new Error(`posted to ${origin}`);
    return message;
  });
}
