/** The chat demo: a channel, followed and published to with the client. */

import { chatLine } from "./chat-line.js";
import { ChatList } from "./chat-list.js";
import { push, showConnectionIn } from "./connection.js";
import { gapText } from "./event-text.js";
import { Outbox } from "./outbox.js";
import { recall, remember } from "./remembered.js";

const CHANNEL = "chat";
const NAME_KEY = "tailwire.chat.name";
const OWN_KEY = "tailwire.chat.own";

/** How many of the reader's own lines are known again after a reload. */
const MAX_OWN = 200;

/** Closer to the end than this many pixels counts as at the end. */
const NEAR_END = 48;

const scroller = element("scroller");
const newer = element("newer");
const form = /** @type {HTMLFormElement} */ (element("composer"));
const nameField = /** @type {HTMLInputElement} */ (element("name"));
const textField = /** @type {HTMLTextAreaElement} */ (element("text"));

/** Ids of the reader's own lines. Of this tab only: a second window is the other side of the conversation. */
const own = new Set(recall("sessionStorage", OWN_KEY).split(" ").filter(Boolean));
const list = new ChatList(element("messages"));
const outbox = new Outbox(element("outbox"), {
  publish: async (said, idempotencyKey) => (await push.publish(CHANNEL, said, { idempotencyKey })).id,
  onSent(id) {
    own.add(id);
    remember("sessionStorage", OWN_KEY, [...own].slice(-MAX_OWN).join(" "));
    return list.has(id);
  },
});
let atEnd = true;
/** The height of the conversation as it was last looked at. */
let seenHeight = 0;

nameField.value = recall("localStorage", NAME_KEY);
nameField.addEventListener("change", () => remember("localStorage", NAME_KEY, nameField.value.trim()));
textField.addEventListener("keydown", sendOnEnter);
textField.addEventListener("input", fitText);
form.addEventListener("submit", send);
scroller.addEventListener("scroll", noteScroll, { passive: true });
newer.addEventListener("click", toEnd);
stayAtEnd(scroller, element("outbox"));
window.visualViewport?.addEventListener("resize", fitViewport);

showConnectionIn(element("state"));
push.subscribe(CHANNEL, show, { from: "-50", onGap: showGap });

/** @param {import("./event-text.js").Event} event */
function show(event) {
  const line = chatLine(event);
  list.append(line, outbox.settle(line) || own.has(line.id));
  tellOfNew();
}

/** @param {import("./event-text.js").Gap} gap */
function showGap(gap) {
  list.note(gapText(gap), "gap");
  tellOfNew();
}

function tellOfNew() {
  if (atEnd) toEnd();
  else newer.hidden = false;
}

/** @param {Event} event */
function send(event) {
  event.preventDefault();
  const name = nameField.value.trim();
  const text = textField.value.trim();
  if (!name) return nameField.focus();
  if (!text) return textField.focus();
  remember("localStorage", NAME_KEY, name);
  outbox.send({ name, text });
  textField.value = "";
  fitText();
  textField.focus();
  toEnd();
}

/** @param {KeyboardEvent} event */
function sendOnEnter(event) {
  // While an input method composes, Enter chooses a word; 229 is how Safari says so after the fact.
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || composing) return;
  event.preventDefault();
  form.requestSubmit();
}

/** The field grows with its text; the style sheet says how far. */
function fitText() {
  textField.style.height = "auto";
  textField.style.height = `${textField.scrollHeight + textField.offsetHeight - textField.clientHeight}px`;
}

/** Where the virtual keyboard covers the page instead of shrinking it (iOS), what is seen is what counts. */
function fitViewport() {
  const { height, scale } = /** @type {VisualViewport} */ (window.visualViewport);
  if (scale !== 1) return; // Pinched: that is not the keyboard.
  document.documentElement.style.setProperty("--seen-height", `${height}px`);
  scrollTo(0, 0);
}

function noteScroll() {
  if (scroller.clientHeight !== seenHeight) return; // It was the window that moved, not the reader.
  atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
  if (atEnd) newer.hidden = true;
}

/** @param {Element[]} elements whose size moves the end: the window's, and what waits to be sent */
function stayAtEnd(...elements) {
  const observer = new ResizeObserver(() => {
    seenHeight = scroller.clientHeight;
    if (atEnd) toEnd();
  });
  for (const one of elements) observer.observe(one);
}

function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
  atEnd = true;
  newer.hidden = true;
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
