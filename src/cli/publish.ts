/** `tailwire publish`: one event, or one for each line of standard input. */

import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import { deliver } from "./deliver.ts";
import { Failure } from "./failure.ts";
import type { Batch } from "./line-queue.ts";
import { publishLines } from "./publish-lines.ts";
import { type Trouble, troubleOf, troubleOfError } from "./server-answer.ts";
import { onFirstSignal } from "./signals.ts";
import { tell } from "./tell.ts";
import { urlOption } from "./url-option.ts";

interface PublishOptions {
  readonly url: string;
  readonly type?: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** How long a server may take to answer, in milliseconds. */
const ANSWER_MS = 30_000;
/** How long a request under way may go on after a signal, in milliseconds. */
const GRACE_MS = 2000;

const EXAMPLES = `
With DATA: publishes it and prints the id of the event; fails at once where the server cannot be reached.

Without: publishes each line of standard input as it comes, in order, blank ones too (not with --json). Where the
server cannot be reached it stops reading and tries again until it can, and nothing is lost or doubled. It fails where
the server refuses a line.

Examples:
  $ tailwire publish chat 'hello'
  $ tailwire publish prices '{"price": 42}' --json --type tick
  $ tailwire publish chat -- '--data that begins with a dash'
  $ tail -F app.log | tailwire publish logs`;

/** Adds the command. */
export function addPublish(program: Command): void {
  program
    .command("publish")
    .description("publish an event, or each line of standard input as one")
    .argument("<channel>", "name of the channel")
    .argument("[data]", "data of the event")
    .addOption(urlOption())
    .option("--type <type>", "type of the event (default: message)")
    .option("--key <key>", "key of the event")
    .option("--json", "the data, or each line, is JSON; without, it is text")
    .addHelpText("after", EXAMPLES)
    .action(publish);
}

async function publish(channel: string, data: string | undefined, options: PublishOptions): Promise<void> {
  const url = publishUrl(channel, options);
  if (data === undefined) await publishInput(url, options);
  else await publishData(url, data, options);
}

/** The URL that events are posted to. */
function publishUrl(channel: string, { url, type, key }: PublishOptions): string {
  const query = new URLSearchParams();
  if (type !== undefined) query.set("type", type);
  if (key !== undefined) query.set("key", key);
  return `${url}/channels/${encodeURIComponent(channel)}${query.size === 0 ? "" : `?${query}`}`;
}

async function publishData(url: string, data: string, { json = false }: PublishOptions): Promise<void> {
  if (json) checkJson(data);
  const response = await post(url, data, { "Content-Type": json ? "application/json" : "text/plain" });
  if (!(response instanceof Response)) throw new Failure(`not published: ${response.why}`);
  const { id } = (await response.json()) as { id: string };
  console.log(id);
}

function checkJson(data: string): void {
  try {
    JSON.parse(data);
  } catch (cause) {
    throw new Failure(`the data is not JSON: ${(cause as Error).message}`, { exitCode: 2, cause });
  }
}

async function publishInput(url: string, { json = false }: PublishOptions): Promise<void> {
  const stop = new AbortController();
  onFirstSignal((exitCode) => {
    process.exitCode = exitCode;
    process.stdin.destroy();
    stop.abort();
    setTimeout(() => endUnfinished(exitCode), GRACE_MS).unref();
  });
  const options = {
    post: (batch: Batch) => postBatch(url, batch),
    wait: (ms: number) => waitOr(ms, stop.signal),
    tell,
  };
  await publishLines(process.stdin, { json, publish: (batch) => deliver(batch, options) });
}

const UNFINISHED = "ended by a signal; the lines read last are perhaps not published";

function endUnfinished(exitCode: number): never {
  tell(UNFINISHED);
  process.exit(exitCode);
}

async function waitOr(ms: number, stop: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal: stop });
  } catch (cause) {
    throw new Failure(UNFINISHED, { cause });
  }
}

async function postBatch(url: string, { body, idempotencyKey }: Batch): Promise<Trouble | undefined> {
  const headers = { "Content-Type": "application/x-ndjson", "Idempotency-Key": idempotencyKey };
  const response = await post(url, body, headers);
  if (!(response instanceof Response)) return response;
  await response.body?.cancel();
  return undefined;
}

/** One request; the answer where it is the one hoped for. */
async function post(url: string, body: string, headers: Record<string, string>): Promise<Response | Trouble> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    // A redirect would make the POST a GET, and look like success.
    const response = await fetch(url, { method: "POST", body, headers, signal, redirect: "manual" });
    return response.status === 201 ? response : await troubleOf(response);
  } catch (error) {
    return troubleOfError(error);
  }
}
