/** What a client with the subprotocol `tailwire.v1` asks for (PROTOCOL.md, "WebSocket messages"). */

import { type ChannelName, MAX_NAMES } from "../../core/channel-name.ts";
import { formatCursor } from "../../core/cursor.ts";
import { TailwireError } from "../../core/errors.ts";
import { checkSize } from "../../core/event.ts";
import type { Hub } from "../../core/hub.ts";
import { formatPosition } from "../../core/position.ts";
import type { Subscription } from "../../core/subscription.ts";
import type { Ref } from "../../wire/message.ts";
import {
  encodeAck,
  encodeError,
  type PublishMessage,
  parseClientMessages,
  type SubscribeMessage,
  type UnsubscribeMessage,
} from "../../wire/websocket-message.ts";
import type { WebSocketClient, WebSocketPeer } from "./websocket-peer.ts";

/** In one frame; each can have an answer, which is longer than the shortest message. */
const MAX_MESSAGES = 1000;

/** A client that speaks `tailwire.v1`; it has one subscription a channel. */
export class MessageClient implements WebSocketClient {
  readonly #hub: Hub;
  readonly #peer: WebSocketPeer;
  readonly #subscriptions = new Map<ChannelName, Subscription | "opening">();

  constructor(hub: Hub, peer: WebSocketPeer, subscriptions: readonly Subscription[]) {
    this.#hub = hub;
    this.#peer = peer;
    for (const subscription of subscriptions) {
      for (const channel of subscription.cursor.keys()) this.#subscriptions.set(channel, subscription);
    }
  }

  drained(): void {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription !== "opening") subscription.drained();
    }
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription !== "opening") subscription.close();
    }
  }

  take(frame: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#peer.close(1003, "messages are text");
      return;
    }
    const text = frame.toString();
    if (text.split("\n", MAX_MESSAGES + 1).length > MAX_MESSAGES) {
      this.#peer.close(1008, `a frame has at most ${MAX_MESSAGES} messages`);
      return;
    }
    for (const result of parseClientMessages(text)) {
      if (result.ok) void this.#obey(result.message);
      else this.#refuse(result.ref, result.error);
    }
  }

  async #obey(message: SubscribeMessage | UnsubscribeMessage | PublishMessage): Promise<void> {
    try {
      if (message.op === "publish") await this.#publish(message);
      else if (message.op === "subscribe") await this.#subscribe(message);
      else this.#unsubscribe(message);
    } catch (error) {
      this.#refuse(message.ref, error);
    }
  }

  async #publish({ ref, channel, input }: PublishMessage): Promise<void> {
    checkSize(input.data, this.#hub.settings.maxEventBytes);
    const appended = this.#hub.append(channel, input);
    const paced = this.#hub.paced(channel);
    if (paced !== undefined) this.#peer.pauseUntil(paced);
    if (appended instanceof Promise) this.#peer.pauseUntil(appended); // what was read with it is appended with it
    const { position } = appended instanceof Promise ? await appended : appended;
    if (ref !== undefined) this.#peer.send(encodeAck({ ref, id: formatPosition(position) }));
  }

  async #subscribe({ ref, channel, from }: SubscribeMessage): Promise<void> {
    if (this.#subscriptions.has(channel))
      throw new TailwireError("invalid_channel", `${channel} is subscribed already`);
    if (this.#subscriptions.size === MAX_NAMES) {
      throw new TailwireError("invalid_channel", `a connection has at most ${MAX_NAMES} channels`);
    }
    this.#subscriptions.set(channel, "opening");
    try {
      const opened = this.#hub.open([channel], new Map([[channel, from]]));
      this.#begin(ref, channel, opened instanceof Promise ? await opened : opened);
    } catch (error) {
      this.#subscriptions.delete(channel);
      throw error;
    }
  }

  #begin(ref: Ref | undefined, channel: ChannelName, subscription: Subscription): void {
    if (this.#peer.closed) {
      subscription.close();
      return;
    }
    this.#subscriptions.set(channel, subscription);
    if (ref !== undefined) this.#peer.send(encodeAck({ ref, cursor: formatCursor(subscription.cursor) }));
    subscription.begin(this.#peer);
  }

  #unsubscribe({ ref, channel }: UnsubscribeMessage): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined || subscription === "opening") {
      throw new TailwireError("invalid_channel", `${channel} is not subscribed`);
    }
    const cursor = formatCursor(subscription.cursor);
    subscription.close();
    this.#subscriptions.delete(channel);
    if (ref !== undefined) this.#peer.send(encodeAck({ ref, cursor }));
  }

  #refuse(ref: Ref | undefined, error: unknown): void {
    const known = error instanceof TailwireError ? error : new TailwireError("internal", "a fault of the server");
    this.#peer.send(encodeError({ ...(ref === undefined ? {} : { ref }), code: known.code, detail: known.message }));
  }
}
