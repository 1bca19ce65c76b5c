// All long-polling clients of a run. It obeys the commands of subscribers.c that have a meaning here:
//
// harness → program                                 program → harness
//   target PORT COUNT CHANNEL STALLS REQUEST          (REQUEST: a name of poll/protocols.mjs and the channel's)
//   connect                                           {"connected": count}   once the server holds a poll of each
//   expect EVENTS PUBLISHERS                          {"expecting": true}
//                                                     {"finished": at}       when each has every event
//   census                                            {"census": {open, missing, …}}
// and {"failed": reason} whenever something is wrong. `at` is in ms of the monotonic clock.

import { createInterface } from "node:readline";
import { Poller } from "./poll/poller.mjs";
import { polls } from "./poll/protocols.mjs";

/** Below the listen backlog of every peer (511). */
const OPENING_AT_ONCE = 200;

/** @type {{port: number, count: number, poll: () => import("./poll/protocols.mjs").Poll}[]} */
const targets = [];
/** @type {Poller[]} */
const pollers = [];
let parked = 0;
let missing = 0;

const watcher = {
  parked: onParked,
  finished: onFinished,
  failed: (/** @type {string} */ reason) => say({ failed: reason }),
};
/** @type {Record<string, (words: string[]) => void>} */
const commands = { target, connect: openMore, expect, census };

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [command = "", ...words] = line.split(" ");
  commands[command]?.(words);
});
lines.on("close", () => process.exit());

/** @param {object} message */
function say(message) {
  console.log(JSON.stringify(message));
}

/** @param {string[]} words */
function target([port, count, , , request = ""]) {
  const [name, channel = ""] = Buffer.from(request, "hex").toString("latin1").split(" ");
  const poll = polls[/** @type {import("./poll/protocols.mjs").PollName} */ (name)];
  targets.push({ port: Number(port), count: Number(count), poll: () => poll(channel) });
}

function openMore() {
  while (targets[0] !== undefined && pollers.length - parked < OPENING_AT_ONCE) {
    const { port, poll } = targets[0];
    pollers.push(new Poller(port, poll(), watcher));
    if (--targets[0].count === 0) targets.shift();
  }
}

function onParked() {
  parked++;
  openMore();
  if (targets.length === 0 && parked === pollers.length) say({ connected: parked });
}

/** @param {string[]} words */
function expect([events, publishers]) {
  if (publishers !== "1") return watcher.failed("pollers check the order of one publisher");
  missing = pollers.length;
  for (const poller of pollers) poller.expect(Number(events));
  say({ expecting: true });
}

function onFinished() {
  if (--missing === 0) say({ finished: Number(process.hrtime.bigint()) / 1e6 });
}

function census() {
  const behind = pollers.filter(({ isFinished }) => !isFinished).length;
  say({ census: { open: parked, missing: behind, least: 0, most: 0, answer: "" } });
}
