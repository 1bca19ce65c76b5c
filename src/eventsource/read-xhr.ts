/** Reads with XMLHttpRequest, whose text can be read as it grows, and is kept until the request is over. */

import type { Read } from "./read.ts";

export const readXhr: Read = ({ url, headers, withCredentials }, listener) => {
  const xhr = new XMLHttpRequest();
  let headed = false;
  let seen = 0;

  const take = (): void => {
    // There is no status before the head, nor after a network error.
    if (xhr.status === 0) return;
    if (!headed) {
      headed = true;
      listener.head(xhr.status, xhr.getResponseHeader("content-type"), xhr.responseURL);
    }
    // "" where the listener has aborted.
    const text = xhr.responseText;
    if (text.length <= seen) return;
    // The browser has dropped a byte order mark; the one given instead keeps the parser from dropping a second.
    const piece = seen === 0 ? `\ufeff${text}` : text.slice(seen);
    seen = text.length;
    listener.piece(piece, seen);
  };

  xhr.open("GET", url);
  // 9.2.6: UTF-8, whatever charset the answer names.
  xhr.overrideMimeType("text/event-stream; charset=utf-8");
  xhr.withCredentials = withCredentials;
  // What the cache mode "no-store" sends. Another origin would have to allow it, in a preflight.
  if (new URL(url).origin === globalThis.location?.origin) xhr.setRequestHeader("cache-control", "no-cache");
  for (const name in headers) xhr.setRequestHeader(name, headers[name] as string);
  xhr.onreadystatechange = take;
  xhr.onload = xhr.onerror = () => listener.end();
  xhr.onabort = () => listener.aborted();
  // Chromium tells of some faults inside send(), before the listener could know what it hears of.
  void Promise.resolve().then(() => xhr.onabort && xhr.send());
  return () => {
    xhr.onreadystatechange = xhr.onload = xhr.onerror = xhr.onabort = null;
    xhr.abort();
  };
};
