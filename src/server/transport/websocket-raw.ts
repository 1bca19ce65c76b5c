/** What a client without a subprotocol sends: every data frame is published to its channel. */

import type { ChannelName } from "../../core/channel-name.ts";
import type { Data } from "../../core/event.ts";
import type { Hub } from "../../core/hub.ts";
import type { Subscription } from "../../core/subscription.ts";
import type { WebSocketClient, WebSocketPeer } from "./websocket-peer.ts";

/** A client without a subprotocol; it has one subscription in all. */
export class RawClient implements WebSocketClient {
  readonly #hub: Hub;
  readonly #peer: WebSocketPeer;
  /** Undefined where it has several. */
  readonly #channel: ChannelName | undefined;
  readonly #subscription: Subscription;

  constructor(hub: Hub, peer: WebSocketPeer, subscription: Subscription) {
    const [channel, ...more] = subscription.cursor.keys();
    this.#hub = hub;
    this.#peer = peer;
    this.#channel = more.length === 0 ? channel : undefined;
    this.#subscription = subscription;
  }

  drained(): void {
    this.#subscription.drained();
  }

  close(): void {
    this.#subscription.close();
  }

  take(frame: Buffer, isBinary: boolean): void {
    const channel = this.#channel;
    if (channel === undefined) {
      this.#peer.close(1008, "to publish without a subprotocol, name one channel");
    } else if (frame.byteLength > this.#hub.settings.maxEventBytes) {
      this.#peer.close(1009, "the event is larger than maxEventBytes");
    } else {
      void this.#publish(channel, isBinary ? binary(frame) : { kind: "text", text: frame.toString() });
    }
  }

  async #publish(channel: ChannelName, data: Data): Promise<void> {
    try {
      const input = { data, type: "message", key: undefined, idempotencyKey: undefined };
      const appended = this.#hub.append(channel, input);
      const paced = this.#hub.paced(channel);
      if (paced !== undefined) this.#peer.pauseUntil(paced);
      if (appended instanceof Promise) {
        this.#peer.pauseUntil(appended);
        await appended;
      }
    } catch {
      // Raw frames have no answers: the one way to say that an event was not published is to end the connection.
      this.#peer.close(1011, "the event could not be published");
    }
  }
}

/** A copy: the frame is a view of all that was read with it, which the log would keep. */
function binary(frame: Buffer): Data {
  return { kind: "binary", bytes: new Uint8Array(frame) };
}
