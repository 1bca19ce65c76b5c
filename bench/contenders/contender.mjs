// What a contender is: a plain object, one or several a file of this folder.

import { fileURLToPath } from "node:url";

/**
 * All bytes are text here, a character a byte.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} family contenders of one family are one server, spoken to in several ways
 * @property {string[]} benchmarks where it takes part
 * @property {(ports: number[], dir: string) => Launch} launch `ports` are 8 free ones, `dir` an empty folder of its own
 * @property {() => string | undefined} [missing] why it is left out on this machine, if it is
 * @property {Protocol} protocol
 * @property {(channel: string) => PublishTarget} publish
 * @property {Resume} [resume] how a subscriber comes back to what it missed
 */

/**
 * @typedef {object} Resume
 * @property {(port: number, channel: string) => Promise<string>} position where the channel stands
 * @property {(channel: string, position: string) => string} request for what follows that position; ready as ever
 */

/**
 * @typedef {object} Launch
 * @property {string} command started in `dir`
 * @property {string[]} args
 * @property {Record<string, string>} [files] written into `dir` beforehand
 * @property {Record<string, string>} [env] on top of this process's own
 * @property {number[]} [listens] the ports that accept once it is ready; without: ports[0]
 * @property {string} [log] a file in `dir`; its last line is told where a run fails
 * @property {boolean} [collectsGarbage] whether it obeys "gc" (servers/control.mjs)
 */

/**
 * How a subscriber opens: it connects to ports[0], sends the request, takes the steps in turn (each waits for
 * its `after`, behind what was waited for before), and is subscribed when `ready` has come.
 *
 * @typedef {object} Protocol
 * @property {(channel: string) => string} request
 * @property {{after: string, capture?: number, send: string}[]} [steps]
 *   `capture` bytes behind `after` stand for "{captured}" in what is sent
 * @property {string} ready
 * @property {{is: string, answer: string}} [ping] answered where a read ends with it
 * @property {"chunks" | "frames"} [framing] of what follows, for who has to look into it: HTTP chunks, WebSocket frames
 * @property {number} [openingAtOnce] subscribers that open at the same time, where it cannot take 200
 * @property {number} [attempts] how often a trial may begin anew, where the server cuts subscribers as they open
 * @property {"subscribers" | "pollers"} [program] the one of load/ that speaks it; subscribers without
 */

/**
 * How an event is published: a POST whose body is prefix + event + suffix. Any status below 300 is success.
 *
 * @typedef {object} PublishTarget
 * @property {number} [port] index into `ports`; 0 without
 * @property {string} path
 * @property {Record<string, string>} [headers] Host and Content-Length are set for you
 * @property {string} [prefix]
 * @property {string} [suffix]
 */

/**
 * A server of servers/, run by Node. Its first argument is its port.
 * @param {string} file
 * @param {...string} args
 * @returns {Contender["launch"]}
 */
export function nodeServer(file, ...args) {
  const path = serverPath(file);
  return ([port]) => ({
    command: process.execPath,
    args: ["--expose-gc", path, String(port), ...args],
    env: { NODE_ENV: "production" },
    collectsGarbage: true,
  });
}

/** @param {string} file */
export function serverPath(file) {
  return fileURLToPath(new URL(`../servers/${file}`, import.meta.url));
}
