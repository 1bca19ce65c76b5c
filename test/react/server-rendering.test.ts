import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import { connect } from "../../src/client/index.ts";
import { App, Room } from "./app.ts";
import { listedPush } from "./listed-push.ts";

const notes = { renders: {}, heard: {} };
const room = { id: "a", channel: "chat", from: "-50" };

it("is an empty list and a closed connection on a server, and subscribes to nothing", () => {
  const listed = listedPush();
  const html = renderToString(createElement(App, { push: listed.push, notes, rooms: [room] }));
  expect(html).toContain("<output>closed</output>");
  expect(html).toContain('<section id="a" data-count="0"><h2>chat</h2><ol></ol>');
  expect(listed.begun).toBe(0);
});

it("is rendered with a real client, which then connects nowhere", () => {
  const push = connect("http://127.0.0.1:1/push");
  expect(renderToString(createElement(App, { push, notes, rooms: [room] }))).toContain("<h2>chat</h2>");
  expect(push.state).toBe("closed");
});

it("says what is missing where there is no provider", () => {
  expect(() => renderToString(createElement(Room, { ...room, notes }))).toThrow(
    expect.objectContaining({ code: "misuse", message: expect.stringContaining("<PushProvider push={…}>") }),
  );
});

it.each([-1, Number.NaN])("refuses %s as maxEvents", (maxEvents) => {
  const rooms = [{ ...room, maxEvents }];
  expect(() => renderToString(createElement(App, { push: listedPush().push, notes, rooms }))).toThrow(
    expect.objectContaining({ code: "invalid_parameter", parameter: "maxEvents" }),
  );
});
