/**
 * `iframe`: an endless page whose scripts post each message to the page around it, and `iframe-poll`: one that posts the
 * body of a poll (PROTOCOL.md, "Frames").
 */

import { randomBytes } from "node:crypto";
import { encodeFrameBegin, encodeFramePage, encodeFramePost, type FrameTarget } from "../../wire/iframe.ts";
import { encodeItem, type SystemMessage } from "../../wire/message.ts";
import type { WireEncoding } from "../connection.ts";
import type { Answer } from "./answer.ts";
import { type Framing, frameText } from "./framing.ts";
import { openHttpStream } from "./http-stream.ts";
import { open } from "./open.ts";
import { answerPoll } from "./poll.ts";

const CONTENT_TYPE = "text/html; charset=utf-8";

export function serveIframe(answer: Answer): void {
  const target = targetOf(answer);
  const connection = openHttpStream(answer, {
    contentType: CONTENT_TYPE,
    headers: headersFor(target),
    encoding: (framing) => iframeEncoding(target, framing),
    maxBytes: answer.maxIframeBytes,
  });
  connection.owner = answer.subscription;
  open(answer, connection);
  answer.subscription.begin(connection);
}

export function serveIframePoll(answer: Answer): Promise<void> {
  const target = targetOf(answer);
  return answerPoll(answer, {
    key: `iframe-poll ${target.nonce}`,
    headers: { "Content-Type": CONTENT_TYPE, ...headersFor(target) },
    tagged: false,
    message: (json) => json,
    body: (text) => encodeFramePage(target, text),
  });
}

function targetOf({ plan }: Answer): FrameTarget {
  return { nonce: randomBytes(16).toString("base64url"), origin: plan.origin };
}

/** The page runs its own scripts and loads nothing (CSP, level 3), and only the origin that it posts to may have it. */
function headersFor({ nonce, origin }: FrameTarget): Record<string, string> {
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; frame-ancestors ${origin}`;
  return {
    "Content-Security-Policy": `${policy}; base-uri 'none'; form-action 'none'`,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  };
}

/**
 * Of one connection only, for each script has its page's nonce: no frame is shared. For the few who still need frames
 * that costs less than to do without a policy.
 */
function iframeEncoding(target: FrameTarget, framing: Framing): WireEncoding {
  const { nonce } = target;
  const post = (message: SystemMessage) => encodeFramePost(nonce, JSON.stringify(message));
  return {
    key: `iframe ${nonce} ${framing}`,
    carriesCursor: false,
    encode(items) {
      let text = "";
      for (const item of items) text += encodeFramePost(nonce, encodeItem(item));
      return frameText(text, framing);
    },
    open: (message) => frameText(encodeFrameBegin(target) + post(message), framing),
    heartbeat: (message) => frameText(post(message), framing),
    close: (message) => frameText(post(message), framing),
  };
}
