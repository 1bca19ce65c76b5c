/** `xhr-stream`: one message a line over XMLHttpRequest, whose text can be read as it grows. */

import { broken, type Exchange, headersOf, refusalOf } from "../http.ts";
import type { Transport } from "../link.ts";
import { openEndless } from "./endless.ts";

/** An XMLHttpRequest keeps all its text, at two bytes a unit. */
const MAX_RESPONSE_CHARS = 1024 * 1024;

export const xhrStream: Transport = {
  name: "xhr-stream",
  available: () => typeof XMLHttpRequest === "function",
  open: (request, listener) =>
    openEndless(
      { exchange: overXhr, accept: "application/x-ndjson", prefix: "", maxResponseChars: MAX_RESPONSE_CHARS },
      request,
      listener,
    ),
};

const overXhr: Exchange = (request, take, done) => {
  const xhr = new XMLHttpRequest();
  let seen = 0;
  const refusal = () => refusalOf(request, xhr.status, xhr.getResponseHeader("content-type"));
  xhr.open("GET", request.url);
  xhr.withCredentials = request.withCredentials;
  for (const [name, value] of Object.entries(headersOf(request))) xhr.setRequestHeader(name, value);
  xhr.onprogress = () => {
    const piece = xhr.responseText.slice(seen);
    seen += piece.length;
    if (refusal() === undefined) take?.(piece);
  };
  xhr.onload = () => done(refusal()?.(xhr.responseText), "");
  xhr.onerror = () => done(broken("the connection broke"), "");
  xhr.send();
  return () => {
    xhr.onprogress = xhr.onload = xhr.onerror = null;
    xhr.abort();
  };
};
