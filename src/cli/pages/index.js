/** The landing page: commands with this server's own URL in them, and the channel `demo` as it happens. */

import { push, showConnectionIn } from "./connection.js";
import { beginning, dataText, dateOf, gapText, timeElement } from "./event-text.js";

const CHANNEL = "demo";

/** What the commands in the page name, so that they can be read without JavaScript. */
const WRITTEN_BASE = "http://127.0.0.1:7070/";

const MAX_EVENTS = 30;
const COPIED_MS = 1_500;

const events = element("events");
const dataField = /** @type {HTMLInputElement} */ (element("data"));

for (const code of document.querySelectorAll(".commands code")) {
  nameThisServer(code);
  code.closest("dd")?.append(copyButton(code));
}
element("live").hidden = false;
element("publish").addEventListener("submit", publish);
showConnectionIn(element("state"));
push.subscribe(CHANNEL, show, { from: "-5", onGap: (gap) => append(gapItem(gap)) });

/** @param {Element} code */
function nameThisServer(code) {
  // A quote is allowed in a URL's path, and would end the shell's.
  const base = new URL(".", location.href).href.replaceAll("'", "%27");
  for (const node of code.childNodes) {
    if (node instanceof Text) node.data = node.data.replaceAll(WRITTEN_BASE, base);
  }
}

/** @param {import("./event-text.js").Event} event */
function show(event) {
  append(eventItem(event));
  element("position").textContent = event.id;
  element("position-hint").textContent = ", here the last one above";
}

/** @param {HTMLElement} item */
function append(item) {
  events.append(item);
  if (events.children.length > MAX_EVENTS) events.firstElementChild?.remove();
  events.scrollTop = events.scrollHeight;
}

/** @param {import("./event-text.js").Event} event */
function eventItem(event) {
  const item = document.createElement("li");
  const date = dateOf(event);
  if (date) item.append(timeElement(date, { seconds: true }));
  if (event.type !== "message") item.append(span("type", event.type));
  const text = dataText(event);
  const start = beginning(text);
  item.append(span("data", start === text ? text : `${start}…`), span("id", event.id));
  return item;
}

/** @param {import("./event-text.js").Gap} gap */
function gapItem(gap) {
  const item = document.createElement("li");
  item.className = "gap";
  item.textContent = gapText(gap);
  return item;
}

/** @param {SubmitEvent} event */
async function publish(event) {
  event.preventDefault();
  const problem = element("problem");
  const data = dataField.value;
  problem.textContent = "";
  dataField.value = "";
  try {
    await push.publish(CHANNEL, data);
  } catch (error) {
    problem.textContent = `Not published: ${error.message}`;
    dataField.value ||= data;
  }
}

/** @param {Element} code */
function copyButton(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    button.textContent = (await copied(code)) ? "Copied" : "Selected";
    setTimeout(() => {
      button.textContent = "Copy";
    }, COPIED_MS);
  });
  return button;
}

/**
 * Copies a command; where the clipboard is out of reach (plain http on a LAN) it is at least selected.
 *
 * @param {Element} code
 * @returns {Promise<boolean>}
 */
async function copied(code) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return document.execCommand("copy");
  }
}

/**
 * @param {string} className
 * @param {string} text
 */
function span(className, text) {
  const element = document.createElement("span");
  element.className = className;
  element.dir = "auto";
  element.textContent = text;
  return element;
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
