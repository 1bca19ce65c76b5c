// Pushpin and the application behind it. Pushpin asks the application about every subscriber, and is told by it to hold
// the connection (GRIP); the application passes on what is published to it. What comes in while a publish is under way
// goes to Pushpin in one request afterwards, in order, because Pushpin closes the connection after each.
//
// argv: the application's port, the folder that holds pushpin.conf and zurl.conf, the ports of the subscribers, of Pushpin's
// own publish endpoint, and one that accepts as soon as a first subscriber has been held.
//
// Its four services are started here and not by its runner, which gives each a process group of its own.

import { spawn } from "node:child_process";
import { createServer, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "./control.mjs";

const [, dir, subscribePort, pushPort, readyPort] = process.argv.slice(2);
const logs = (/** @type {string} */ name) => [`--logfile=${dir}/${name}.log`, "--loglevel=1"];
const services = {
  condure: [
    `--listen=127.0.0.1:${subscribePort},stream`,
    `--zclient-stream=ipc://${dir}/condure`,
    "--stream-maxconn=20000",
    "--log-level=1",
  ],
  zurl: [`--config=${dir}/zurl.conf`, ...logs("zurl")],
  "pushpin-proxy": [`--config=${dir}/pushpin.conf`, ...logs("proxy")],
  "pushpin-handler": [`--config=${dir}/pushpin.conf`, ...logs("handler")],
};
const children = Object.entries(services).map(([command, args]) => spawn(command, args, { stdio: "ignore" }));
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** @type {{item: object, done: () => void}[]} */
let waiting = [];
let publishing = false;

const application = createServer((incoming, response) => {
  const channel = incoming.url?.split("/").pop() ?? "";
  if (incoming.method === "GET") {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Grip-Hold": "stream", "Grip-Channel": channel });
    response.end(": held\n\n");
    return;
  }
  let text = "";
  incoming.setEncoding("utf8");
  incoming.on("data", (part) => {
    text += part;
  });
  incoming.on("end", () => {
    const item = { channel, formats: { "http-stream": { content: `data: ${text}\n\n` } } };
    waiting.push({ item, done: () => response.writeHead(204).end() });
    passOn();
  });
});
listen(application);
await untilHeld();
createServer().listen(Number(readyPort), "127.0.0.1");

/** The services find each other some time after their ports accept. */
async function untilHeld() {
  const url = `http://127.0.0.1:${subscribePort}/probe`;
  for (let status = 0; status !== 200; ) {
    await sleep(50);
    const abort = new AbortController();
    status = await fetch(url, { signal: AbortSignal.any([abort.signal, AbortSignal.timeout(500)]) }).then(
      (answer) => answer.status,
      () => 0,
    );
    abort.abort();
  }
}

function passOn() {
  if (publishing || waiting.length === 0) return;
  const batch = waiting;
  waiting = [];
  publishing = true;
  const options = { port: pushPort, path: "/publish/", method: "POST" };
  const outgoing = request(options, (response) => {
    if (response.statusCode !== 200) throw new Error(`Pushpin answers a publish with ${response.statusCode}`);
    response.resume().on("end", () => {
      for (const { done } of batch) done();
      publishing = false;
      passOn();
    });
  });
  outgoing.end(JSON.stringify({ items: batch.map(({ item }) => item) }));
}
