/** The transport lab: the same channel over every transport at once. */

import { ServerClock } from "./lab-delay.js";
import * as fetchStream from "./lab-fetch.js";
import * as iframe from "./lab-iframe.js";
import * as jsonp from "./lab-jsonp.js";
import * as longPoll from "./lab-long-poll.js";
import { Panel } from "./lab-panel.js";
import * as poll from "./lab-poll.js";
import { Publisher } from "./lab-publisher.js";
import * as sse from "./lab-sse.js";
import { tellIfStalled } from "./lab-stall.js";
import * as websocket from "./lab-websocket.js";
import * as websocketRaw from "./lab-websocket-raw.js";
import { newLabId, Wire } from "./lab-wire.js";
import * as xhr from "./lab-xhr.js";

const DEFAULT_CHANNEL = "lab";
const POLL_MS = 2_000;
const STEADY_MS = 1_000;
const BURST = 20;

/** Between two drawings. As many as a screen can show would cost the events the time that is to be measured. */
const DRAW_MS = 60;
const CALM_DRAW_MS = 1_000;

/** What a browser opens to one origin over HTTP/1.1. */
const CONNECTIONS = 6;
/** So many are held at first, that one is left for publishing and for short polling. */
const HELD_AT_FIRST = CONNECTIONS - 1;

/** In the order in which they are started. Fetch streaming is last: it does not differ from XHR to look at. */
const TRANSPORTS = {
  poll: { ...poll, restMs: POLL_MS, waits: false, holds: false },
  "long-poll": { ...longPoll, restMs: 0, waits: true, holds: true },
  jsonp: { ...jsonp, restMs: 0, waits: true, holds: true },
  iframe: { ...iframe, restMs: 0, waits: false, holds: true },
  xhr: { ...xhr, restMs: 0, waits: false, holds: true },
  sse: { ...sse, restMs: 0, waits: false, holds: true },
  websocket: { ...websocket, restMs: 0, waits: false, holds: false },
  fetch: { ...fetchStream, restMs: 0, waits: false, holds: true },
};

/** Ticked by the reader only: it loses events where it is cut. */
const LEFT_OFF = { "websocket-raw": { ...websocketRaw, restMs: 0, waits: false, holds: false } };

const id = newLabId();
const channel = new URLSearchParams(location.search).get("channel") || DEFAULT_CHANNEL;
/** @type {Panel[]} */
let panels = [];
let steadyTimer = 0;
/** @type {string | undefined} */
let shownSlots;

const clock = new ServerClock();
const wire = new Wire(labUrl("exchanges", id), clock, () => {
  for (const panel of panels) panel.showWire();
});
const publisher = new Publisher(
  channelUrl(),
  (at) => {
    for (const panel of panels) panel.published(at);
  },
  tellProblem,
);

field("channel").value = channel;
element("channel-form").addEventListener("submit", switchChannel);
element("publish").addEventListener("submit", publishOne);
element("steady").addEventListener("click", toggleSteady);
element("burst").addEventListener("click", () => void publisher.publish(BURST, field("text").value));
element("cut-all").addEventListener("click", () => void toggleCutAll());
void start();

async function start() {
  try {
    const cursor = await currentCursor();
    panels = Object.entries({ ...TRANSPORTS, ...LEFT_OFF }).map(
      ([label, transport]) => new Panel(element(label), transport, labFor(cursor)),
    );
    requestAnimationFrame(draw);
    showState("live", "ready");
    for (const panel of panels) {
      if (panel.label in LEFT_OFF || (panel.holds && held().length >= HELD_AT_FIRST)) continue;
      await panel.start();
    }
  } catch (error) {
    showState("closed", error instanceof Error ? error.message : String(error));
  }
}

/** Where all transports begin, so that all hear the same. */
async function currentCursor() {
  const answer = await fetch(channelUrl(), { method: "HEAD" });
  const cursor = answer.headers.get("Tailwire-Cursor");
  if (cursor) return cursor;
  throw new Error(answer.status === 400 ? `“${channel}” is no channel name` : `the server answered ${answer.status}`);
}

/**
 * @param {string} cursor
 * @returns {import("./lab-panel.js").Lab}
 */
function labFor(cursor) {
  return { cursor, url: channelUrl, cut: tellCut, wire, clock, publisher, changed: showChange, failed: tellFailure };
}

/**
 * @param {string} [label] of the panel whose request it is; without, the server does not watch it
 */
function channelUrl(label) {
  const url = new URL(`channels/${encodeURIComponent(channel)}`, document.baseURI);
  if (label) url.searchParams.set("lab", `${id}.${label}`);
  return url;
}

/**
 * @param {string} place
 * @param {string} lab
 */
function labUrl(place, lab) {
  const url = new URL(`lab/${place}`, document.baseURI);
  url.searchParams.set("lab", lab);
  return url;
}

/**
 * Has the server cut a panel's connections, or let them back.
 *
 * @param {string} label
 * @param {boolean} cut
 */
async function tellCut(label, cut) {
  const request = fetch(labUrl("cut", `${id}.${label}`), { method: cut ? "PUT" : "DELETE" });
  const answer = await tellIfStalled(request, tellProblem);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  tellProblem("");
}

/** @param {Event} event */
function switchChannel(event) {
  event.preventDefault();
  location.search = new URLSearchParams({ channel: field("channel").value }).toString();
}

/** @param {Event} event */
function publishOne(event) {
  event.preventDefault();
  void publisher.publish(1, field("text").value);
}

function toggleSteady() {
  const on = !steadyTimer;
  element("steady").textContent = on ? "Stop" : "1 a second";
  element("steady").classList.toggle("on", on);
  clearInterval(steadyTimer);
  steadyTimer = 0;
  if (!on) return;
  const publish = () => void (publisher.busy || publisher.publish(1, field("text").value));
  publish();
  steadyTimer = setInterval(publish, STEADY_MS);
}

async function toggleCutAll() {
  const cut = !panels.some(({ isCut }) => isCut);
  const touched = panels.filter(({ runs, isCut }) => (cut ? runs : isCut));
  try {
    await Promise.all(touched.map((panel) => panel.cut(cut)));
  } catch (error) {
    tellFailure(error);
  }
}

/** @param {unknown} error */
function tellFailure(error) {
  tellProblem(`Not done: ${error instanceof Error ? error.message : error}`);
}

/** @param {string} problem */
function tellProblem(problem) {
  element("notice").textContent = problem;
}

function held() {
  return panels.filter(({ holds, runs }) => holds && runs);
}

/** What concerns all panels, after a change in one. */
function showChange() {
  const anyCut = panels.some(({ isCut }) => isCut);
  element("cut-all").classList.toggle("on", anyCut);
  element("cut-all").textContent = anyCut ? "Let all back" : "Cut all";
  showSlots(held().map(({ name }) => name));
}

/**
 * Which of the browser's six connections are held, and by whom.
 *
 * @param {string[]} names
 */
function showSlots(names) {
  if (names.join() === shownSlots) return;
  shownSlots = names.join();
  const cells = Array.from({ length: Math.max(CONNECTIONS, names.length) }, (_, index) => {
    const cell = document.createElement("span");
    cell.textContent = names[index] ?? "free";
    cell.className = names[index] ? (index < CONNECTIONS ? "held" : "beyond") : "free";
    return cell;
  });
  element("cells").replaceChildren(...cells);
  const left = CONNECTIONS - names.length;
  element("slots").dataset.left = String(left);
  element("slots-text").textContent = `${Math.min(names.length, CONNECTIONS)} of 6 connections${slotsWarning(left)}`;
}

/** @param {number} left */
function slotsWarning(left) {
  if (left > 0) return " held";
  if (left === 0) return " held: none is left to publish or to poll with. Untick one.";
  return ` held, and ${-left} more ${left === -1 ? "waits" : "wait"} until one is free. Untick some.`;
}

/** @param {number} now */
function draw(now) {
  for (const panel of panels) panel.draw(now);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  setTimeout(() => requestAnimationFrame(draw), calm ? CALM_DRAW_MS : DRAW_MS);
}

/**
 * @param {string} state
 * @param {string} text
 */
function showState(state, text) {
  element("state").dataset.state = state;
  element("state").textContent = text;
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id */
function field(id) {
  return /** @type {HTMLInputElement} */ (element(id));
}
