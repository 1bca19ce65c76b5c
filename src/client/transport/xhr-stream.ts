/** `xhr-stream`: one message a line over XMLHttpRequest, whose text can be read as it grows. */

import type { Exchange } from "../http.ts";
import type { Transport } from "../link.ts";
import { openEndless } from "./endless.ts";
import { readLines } from "./lines.ts";

/** An XMLHttpRequest keeps all its text, at two bytes a unit. */
const MAX_RESPONSE_CHARS = 1024 * 1024;

export const xhrStream: Transport = {
  name: "xhr-stream",
  available: () => typeof XMLHttpRequest === "function",
  open: (request, listener) =>
    openEndless(
      {
        exchange: overXhr,
        accept: "application/x-ndjson",
        read: readLines,
        maxResponseChars: MAX_RESPONSE_CHARS,
      },
      request,
      listener,
    ),
};

const overXhr: Exchange = (request, listener) => {
  const xhr = new XMLHttpRequest();
  let seen = 0;
  let headed = false;
  const read = () => {
    if (!headed) listener.head(xhr.status, xhr.getResponseHeader("content-type") ?? "");
    headed = true;
    const piece = xhr.responseText.slice(seen);
    seen += piece.length;
    if (piece !== "") listener.text(piece);
  };
  xhr.open("GET", request.url);
  xhr.withCredentials = request.withCredentials;
  for (const name in request.headers) xhr.setRequestHeader(name, request.headers[name] as string);
  xhr.onreadystatechange = () => {
    if (xhr.status > 0 && xhr.readyState > 1) read();
  };
  xhr.onload = () => listener.end();
  xhr.onerror = () => listener.end(new Error("the connection broke"));
  xhr.send();
  return () => {
    xhr.onreadystatechange = xhr.onload = xhr.onerror = null;
    xhr.abort();
  };
};
