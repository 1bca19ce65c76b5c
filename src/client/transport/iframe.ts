/** `iframe`: a hidden page of the server's that posts each message to this one as it is loaded, without end. */

import { TailwireError } from "../../core/errors.ts";
import { type Message, parseJson } from "../../wire/message.ts";
import { subscribeUrl } from "../address.ts";
import type { Link, LinkListener, LinkRequest, Transport } from "../link.ts";
import { PROBE_S } from "../race.ts";
import { addFrame } from "./frame.ts";
import { readMessage } from "./messages.ts";

export const iframe: Transport = {
  name: "iframe",
  available: () => typeof document === "object" && location.origin !== "null",
  open: openIframe,
};

function openIframe(request: LinkRequest, listener: LinkListener): Link {
  const frame = document.createElement("iframe");
  const { origin } = new URL(request.base);
  let closed = false;
  const end = (error: TailwireError) => {
    if (closed) return;
    close();
    listener.ended(error);
  };
  const take = ({ source, origin: from, data }: MessageEvent) => {
    if (source !== frame.contentWindow || from !== origin) return;
    try {
      // What a browser cannot clone, for it is nested too deep, comes as text.
      const message = readMessage(typeof data === "string" ? parseJson(data) : data);
      if (message !== undefined) listener.message(message as Message);
    } catch (error) {
      end(error as TailwireError);
    }
  };
  const close = () => {
    closed = true;
    removeEventListener("message", take);
    frame.onload = null;
    remove();
  };
  addEventListener("message", take);
  // Loaded to its end, the page has nothing more to say. What it posted last is on its way behind this event.
  frame.onload = () => request.clock.after(0, () => end(new TailwireError("unreachable", "the page ended")));
  frame.src = subscribeUrl(request, {
    transport: "iframe",
    origin: location.origin,
    probe: PROBE_S,
    token: request.token,
  });
  const remove = addFrame(frame);
  return { close };
}
