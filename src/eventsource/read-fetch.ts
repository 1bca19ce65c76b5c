/** Reads with fetch, which keeps nothing. */

import type { Read } from "./read.ts";

export const readFetch: Read = ({ url, headers, withCredentials }, listener) => {
  const controller = new AbortController();
  const { signal } = controller;
  const credentials = withCredentials ? "include" : "same-origin";
  const init: RequestInit = { headers, credentials, cache: "no-store", signal };
  // It throws where these make no request, and fetch would reject, as if the network had failed.
  void new Request(url, init);

  const follow = async (): Promise<void> => {
    try {
      const response = await fetch(url, init);
      if (signal.aborted) return;
      listener.head(response.status, response.headers.get("content-type"), response.url);
      const reader = response.body?.getReader();
      for (;;) {
        const next = await reader?.read();
        if (signal.aborted) return;
        if (!next?.value) break;
        listener.piece(next.value, 0);
      }
    } catch {
      // A network error, before the answer or inside it, is for the listener an end like any other.
    }
    if (!signal.aborted) listener.end();
  };

  void follow();
  return () => controller.abort();
};
