/** An endless HTTP answer as a link: what SSE, fetch and XHR streams share. */

import { TailwireError } from "../../core/errors.ts";
import { subscribeUrl } from "../address.ts";
import type { Exchange } from "../http.ts";
import type { Link, LinkListener, LinkRequest } from "../link.ts";
import { PROBE_S } from "../race.ts";
import { oneByOne } from "./messages.ts";

export interface EndlessOptions {
  readonly exchange: Exchange;
  readonly accept: string;
  /** What stands before each message on its line; lines that begin otherwise are passed over. */
  readonly prefix: string;
  /** Text past which the answer is given up for a new one, where what carries it keeps it all. */
  readonly maxResponseChars?: number;
}

/** The longest message, in UTF-16 units. */
const MAX_LINE_CHARS = 64 * 1024 * 1024;

export function openEndless(
  { exchange, accept, prefix, maxResponseChars = Number.POSITIVE_INFINITY }: EndlessOptions,
  { withCredentials, token, ...request }: LinkRequest,
  listener: LinkListener,
): Link {
  const tell = oneByOne(listener);
  let rest = "";
  let chars = 0;

  function take(piece: string): void {
    listener.heard();
    // Only looked through when a line ends, or one of megabytes would be looked through with each of its pieces.
    const lines = piece.includes("\n") ? (rest + piece).split("\n") : [rest + piece];
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARS) throw new TailwireError("protocol_error", "a message has no end");
    for (const line of lines) if (line !== "" && line.startsWith(prefix)) tell(line.slice(prefix.length));
    chars += piece.length;
    if (chars <= maxResponseChars) return;
    chars = Number.NEGATIVE_INFINITY;
    // Asks to come back at once, as the server's own would.
    listener.message({ type: "$close", code: 1013, reason: "the answer has become long", reconnectMs: 0 });
  }

  const close = exchange(
    {
      url: subscribeUrl(request, { transport: prefix === "" ? "stream" : "sse", format: "envelope", probe: PROBE_S }),
      accept,
      token,
      withCredentials,
    },
    (piece) => {
      try {
        take(piece);
      } catch (error) {
        close();
        listener.ended(error as TailwireError);
      }
    },
    (error) =>
      listener.ended(error ?? new TailwireError(rest === "" ? "unreachable" : "protocol_error", "the answer ended")),
  );
  return { close };
}
