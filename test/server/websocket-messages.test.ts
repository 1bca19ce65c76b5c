/** The subprotocol `tailwire.v1`: what is asked for, what is answered, and that a connection goes on after errors. */

import { describe, expect, it } from "vitest";
import { type RawWebSocket, rawWebSocket } from "../e2e/raw-websocket.ts";
import { dataOf, logOf, type Served, serve } from "../e2e/serve.ts";

const V1 = { "Sec-WebSocket-Protocol": "tailwire.v1" };

async function connected(path = "/channels/news"): Promise<Served & { readonly socket: RawWebSocket }> {
  const served = await serve();
  const socket = await rawWebSocket(served.port, path, V1);
  expect(await socket.message()).toMatchObject({ type: "$open" });
  return { ...served, socket };
}

const say = (socket: RawWebSocket, message: unknown) => socket.send(JSON.stringify(message));

describe("publish", () => {
  it("is acknowledged with the event's id, and arrives", async () => {
    const { socket } = await connected();
    say(socket, { op: "publish", ref: 7, channel: "news", type: "t", key: "k", data: { a: 1 } });
    const answers = [await socket.message(), await socket.message()];
    expect(answers).toContainEqual({ type: "$ack", ref: 7, id: expect.stringMatching(/:1$/) });
    expect(answers).toContainEqual(expect.objectContaining({ channel: "news", type: "t", key: "k", data: { a: 1 } }));
  });

  it("carries data as it was published", async () => {
    const { port, socket } = await connected();
    const reader = await rawWebSocket(port, "/channels/other");
    socket.send('{"op":"publish","channel":"other","data": 12345678901234567890 ,"ref":1}');
    await socket.message();
    expect((await reader.dataFrame()).payload.toString().trim()).toBe("12345678901234567890");
    socket.send('{"op":"publish","channel":"news","data":{"f":1.0, "big":12345678901234567890},"ref":2}');
    const frames = [await socket.frame(), await socket.frame()].map(({ payload }) => payload.toString());
    expect(frames.join("\n")).toContain('"data":{"f":1.0, "big":12345678901234567890}');
  });

  it.each([
    ["text", "hello", "hello"],
    ["null", null, null],
    ["false", false, false],
    ["a list", [1, [2]], [1, [2]]],
    ["empty text", "", ""],
  ])("takes %s", async (_, data, seen) => {
    const { url, socket } = await connected();
    say(socket, { op: "publish", ref: "r", channel: "other", data });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: "r" });
    expect(await dataOf(url, "other")).toEqual([seen]);
  });

  it("takes base64 as binary", async () => {
    const { url, socket } = await connected();
    say(socket, { op: "publish", ref: 1, channel: "other", data: "AAH/", encoding: "base64" });
    await socket.message();
    expect(await logOf(url, "other")).toMatchObject([{ data: "AAH/", encoding: "base64" }]);
  });

  it("with an idempotencyKey makes one event of two, and acknowledges both with its id", async () => {
    const { url, socket } = await connected();
    const message = { op: "publish", channel: "other", data: 1, idempotencyKey: "k" };
    say(socket, { ...message, ref: 1 });
    const first = await socket.message();
    say(socket, { ...message, ref: 2 });
    expect(await socket.message()).toEqual({ type: "$ack", ref: 2, id: first.id });
    expect(await dataOf(url, "other")).toEqual([1]);
  });

  it("without a ref has no answer", async () => {
    const { socket } = await connected();
    say(socket, { op: "publish", channel: "other", data: 1 });
    say(socket, { op: "publish", ref: "next", channel: "other", data: 2 });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: "next", id: expect.stringMatching(/:2$/) });
  });

  it("of an event that is too large: $error, and the connection goes on", async () => {
    const served = await serve({ hub: { maxEventBytes: 1000 } });
    const socket = await rawWebSocket(served.port, "/channels/news", V1);
    await socket.message();
    say(socket, { op: "publish", ref: 1, channel: "other", data: "x".repeat(1001) });
    expect(await socket.message()).toMatchObject({ type: "$error", ref: 1, code: "event_too_large" });
    say(socket, { op: "publish", ref: 2, channel: "other", data: "x".repeat(1000) });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: 2 });
  });
});

describe("subscribe and unsubscribe", () => {
  it("add a channel, from where it is asked, and take it away again", async () => {
    const { socket, hub, store } = await connected();
    const { id } = await hub.publish("more", "old");
    await hub.publish("more", "missed");
    say(socket, { op: "subscribe", ref: 1, channel: "more", from: id });
    expect(await socket.message()).toEqual({ type: "$ack", ref: 1, cursor: id });
    expect(await socket.message()).toMatchObject({ channel: "more", data: "missed" });
    const live = await hub.publish("more", "live");
    expect(await socket.message()).toMatchObject({ channel: "more", data: "live" });
    expect(store.followed).toBe(2);
    say(socket, { op: "unsubscribe", ref: 2, channel: "more" });
    expect(await socket.message()).toEqual({ type: "$ack", ref: 2, cursor: live.id });
    expect(store.followed).toBe(1);
    await hub.publish("more", "to nobody");
    await hub.publish("news", "next");
    expect(await socket.message()).toMatchObject({ channel: "news", data: "next" });
    say(socket, { op: "subscribe", ref: 3, channel: "more", from: live.id });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: 3 });
    expect(await socket.message()).toMatchObject({ data: "to nobody" });
  });

  it("work for the channels of the path, too", async () => {
    const { socket, store } = await connected("/channels/a,b");
    say(socket, { op: "unsubscribe", ref: 1, channel: "a" });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: 1, cursor: expect.stringMatching(/^\w+:0$/) });
    expect(store.followed).toBe(1);
  });

  it("tell of a gap", async () => {
    const { socket, hub } = await connected();
    await hub.publish("more", "kept");
    say(socket, { op: "subscribe", ref: 1, channel: "more", from: "other:7" });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: 1, cursor: "other:7" });
    const { payload } = await socket.dataFrame();
    expect(
      payload
        .toString()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { type: "$gap", channel: "more", after: "other:7", lost: null, reason: "epoch" },
      { channel: "more", data: "kept" },
    ]);
  });

  it("stop at 64 channels", async () => {
    const { socket } = await connected();
    for (let count = 2; count <= 64; count += 1) say(socket, { op: "subscribe", ref: count, channel: `c${count}` });
    for (let count = 2; count <= 64; count += 1) expect(await socket.message()).toMatchObject({ type: "$ack" });
    say(socket, { op: "subscribe", ref: 65, channel: "c65" });
    expect(await socket.message()).toMatchObject({ type: "$error", ref: 65, code: "invalid_channel" });
  });
});

describe("an $error, after which the connection goes on", () => {
  it.each([
    ["an unknown op", { op: "explode", ref: 1, channel: "news" }, 1, "invalid_message"],
    ["no op", { ref: 1, channel: "news" }, 1, "invalid_message"],
    ["no channel", { op: "subscribe", ref: 1 }, 1, "invalid_message"],
    ["no data", { op: "publish", ref: 1, channel: "news" }, 1, "invalid_message"],
    ["a channel that is no string", { op: "publish", ref: 1, channel: 5, data: 1 }, 1, "invalid_message"],
    ["a bad channel", { op: "subscribe", ref: "x", channel: "$x" }, "x", "invalid_channel"],
    ["a bad from", { op: "subscribe", ref: 1, channel: "more", from: "5" }, 1, "invalid_parameter"],
    ["a from ahead of the log", { op: "subscribe", ref: 1, channel: "more", from: "EPOCH:9" }, 1, "invalid_cursor"],
    [
      "a type with a line break",
      { op: "publish", ref: 1, channel: "news", type: "a\nb", data: 1 },
      1,
      "invalid_parameter",
    ],
    ["a key with a NUL", { op: "publish", ref: 1, channel: "news", key: "\0", data: 1 }, 1, "invalid_parameter"],
    ["a type of the system", { op: "publish", ref: 1, channel: "news", type: "$gap", data: 1 }, 1, "invalid_parameter"],
    ["bad base64", { op: "publish", ref: 1, channel: "news", data: "?", encoding: "base64" }, 1, "invalid_data"],
    ["a double subscribe", { op: "subscribe", ref: 1, channel: "news" }, 1, "invalid_channel"],
    ["not subscribed", { op: "unsubscribe", ref: 1, channel: "more" }, 1, "invalid_channel"],
    ["a ref that is none", { op: "publish", ref: {}, channel: "news", data: 1 }, undefined, "invalid_message"],
    ["no object", [1], undefined, "invalid_message"],
    ["a number", 5, undefined, "invalid_message"],
  ])("%s", async (_, message, ref, code) => {
    const { socket, hub, url } = await connected();
    const [epoch = ""] = (await hub.cursor("more")).split(":");
    socket.send(JSON.stringify(message).replace("EPOCH", epoch));
    const error = await socket.message();
    expect(error).toEqual({
      type: "$error",
      ...(ref === undefined ? {} : { ref }),
      code,
      detail: expect.stringMatching(/./),
    });
    say(socket, { op: "publish", ref: "next", channel: "other", data: 1 });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: "next" });
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it.each(["{", "hello", '{"op":"publish",}', "\u00a0"])("JSON that does not parse: %j", async (text) => {
    const { socket } = await connected();
    socket.send(text);
    expect(await socket.message()).toMatchObject({ type: "$error", code: "invalid_message" });
    say(socket, { op: "publish", ref: "next", channel: "other", data: 1 });
    expect(await socket.message()).toMatchObject({ type: "$ack", ref: "next" });
  });

  it("a bad message does not harm its neighbours in the same frame", async () => {
    const { socket, url } = await connected();
    const publish = (ref: number) => JSON.stringify({ op: "publish", ref, channel: "other", data: ref });
    socket.send(`${publish(1)}\n{\n\r\n\n${publish(2)}\r\n${publish(3)}`);
    const answers = [await socket.message(), await socket.message(), await socket.message(), await socket.message()];
    expect(answers).toContainEqual(expect.objectContaining({ type: "$error", code: "invalid_message" }));
    for (const ref of [1, 2, 3]) expect(answers).toContainEqual(expect.objectContaining({ type: "$ack", ref }));
    expect(await dataOf(url, "other")).toEqual([1, 2, 3]);
  });

  it("a binary frame is refused with 1003", async () => {
    const { socket, store } = await connected();
    socket.send(JSON.stringify({ op: "publish", channel: "other", data: 1 }), "binary");
    expect(await socket.message()).toMatchObject({ type: "$close", code: 1003, reconnectMs: null });
    expect(await socket.closeCode()).toBe(1003);
    await store.whenFollowed(0);
  });
});

describe("the order of answers", () => {
  it("is the order of what was asked", async () => {
    const { socket } = await connected();
    for (let ref = 1; ref <= 100; ref += 1) say(socket, { op: "publish", ref, channel: "other", data: ref });
    for (let ref = 1; ref <= 100; ref += 1) {
      expect(await socket.message()).toEqual({ type: "$ack", ref, id: expect.stringMatching(`:${ref}$`) });
    }
  });
});

describe("a client that asks for too much", () => {
  it("with more messages in a frame than is taken: 1008, before they are read", async () => {
    const { socket } = await connected();
    socket.send("0\n".repeat(1000));
    expect(await socket.message()).toMatchObject({ type: "$close", code: 1008, reconnectMs: null });
  });

  it("is read no more while it does not read its answers, and then goes on", async () => {
    const served = await serve({ hub: { maxBufferedBytes: 1000 } });
    const socket = await rawWebSocket(served.port, "/channels/news", V1);
    await socket.message();
    socket.connection.socket.pause();
    const frame = Array.from({ length: 900 }, (_, ref) =>
      JSON.stringify({ op: "publish", ref, channel: "other", data: ref }),
    );
    const frames = 200;
    for (let count = 0; count < frames; count += 1) socket.send(frame.join("\n"));
    socket.connection.socket.resume();
    for (let count = 0; count < frames * frame.length; count += 1) {
      expect(await socket.message()).toMatchObject({ type: "$ack", ref: count % frame.length });
    }
  });
});
