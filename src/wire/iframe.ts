/**
 * Messages as the scripts of a page that posts them to the page around it (PROTOCOL.md, "iframe"):
 *
 *     <!doctype html>… <script nonce="N">function post(message) …</script>      begin
 *     <script nonce="N">post({…})</script><script nonce="N">post({…})</script>  each message
 *
 * Nothing stands between the scripts and each removes itself, so the document does not grow. A script that breaks off
 * is never run, so no message is posted in part.
 */

import { encodeText, escapeScript, isLiteral } from "./jsonp.ts";

const HEAD = '<!doctype html><meta charset="utf-8"><title>Tailwire</title>';

/** Some browsers and proxies hand on the first bytes of a page only when there are so many. */
const PADDING = " ".repeat(2048);

/** Who may run scripts in the page, and who is posted to; neither has a character that means anything in HTML. */
export interface FrameTarget {
  /** What the page's policy allows its scripts by. */
  readonly nonce: string;
  /** The origin of the page around it. */
  readonly origin: string;
}

/** The beginning of a page that never ends, padded so that a browser begins with it at once. */
export function encodeFrameBegin(target: FrameTarget): string {
  return `${HEAD}<!--${PADDING}-->${encodePost(target)}`;
}

/** A page that posts JSON, and ends. */
export function encodeFramePage(target: FrameTarget, json: string): string {
  return HEAD + encodePost(target) + encodeFramePost(target.nonce, json);
}

/** A script that posts JSON. */
export function encodeFramePost(nonce: string, json: string): string {
  return script(nonce, `post(${isLiteral(json) ? escapeScript(json) : encodeText(json)});`);
}

/**
 * The function that the scripts call, with a message or with its JSON. What the browser cannot post as an object, because
 * it is nested too deep, is posted as JSON.
 */
function encodePost({ nonce, origin }: FrameTarget): string {
  const to = encodeText(origin);
  return script(
    nonce,
    `function post(message) {
  document.currentScript.remove();
  var json = typeof message === "string" ? message : null;
  try {
    window.parent.postMessage(json === null ? message : JSON.parse(json), ${to});
  } catch (error) {
    window.parent.postMessage(json, ${to});
  }
}
document.currentScript.remove();`,
  );
}

/** The line break is in the script: between scripts it would stay in the document. */
function script(nonce: string, text: string): string {
  return `<script nonce="${nonce}">${text}\n</script>`;
}
