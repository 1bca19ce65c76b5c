/** `tailwire tail`: prints events as they come. */

import { once } from "node:events";
import type { Command } from "commander";
import { type Followed, follow } from "./follow.ts";
import { formatEvent, formatGap } from "./tail-message.ts";
import { tell } from "./tell.ts";
import { urlOption } from "./url-option.ts";

interface TailOptions {
  readonly url: string;
  readonly from: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Prints the data of each event on a line: text as it is, JSON as it was published, binary as base64; with several
channels each line begins with the channel's name. With --json it prints the whole message, as PROTOCOL.md has it, a
$gap too. Where events are missing, and where the connection is lost and regained, it says so on standard error.

--from is now, earliest, -N (the last N events), or a cursor: what follows it. A cursor is an event's id, or
NAME=ID,NAME=ID for several channels.

Examples:
  $ tailwire tail chat
  $ tailwire tail logs --from -100
  $ tailwire tail chat news --json --from earliest | jq .data`;

/** Adds the command. */
export function addTail(program: Command): void {
  program
    .command("tail")
    .description("print the events of channels as they come; comes back and resumes by itself")
    .argument("<channels...>", "names of the channels")
    .addOption(urlOption())
    .option("--from <position>", "where to begin", "now")
    .option("--json", "print whole messages, one JSON text a line")
    .addHelpText("after", EXAMPLES)
    .action(tail);
}

async function tail(names: readonly string[], { url, from, json = false }: TailOptions): Promise<void> {
  const channels = names.flatMap((name) => name.split(","));
  for await (const followed of follow({ url, channels, from, tell })) {
    if (json) await print(followed.line);
    else await show(followed, channels.length > 1);
  }
}

async function show(followed: Followed, several: boolean): Promise<void> {
  if (followed.kind === "gap") return tell(formatGap(followed.gap));
  const { event, line } = followed;
  await print(formatEvent(event, line, several ? `${event.channel}: ` : ""));
}

async function print(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, "drain");
}
