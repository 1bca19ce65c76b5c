#!/usr/bin/env node
/** The `tailwire` command. Exit codes: 0 done, 1 failed, 2 asked for wrongly. */

import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { TailwireError } from "../index.ts";
import { Failure } from "./failure.ts";
import { addPublish } from "./publish.ts";
import { addServe } from "./serve.ts";
import { addTail } from "./tail.ts";
import { tell } from "./tell.ts";

const EXAMPLES = `
Examples:
  $ tailwire serve
  $ tailwire tail chat
  $ tailwire publish chat 'hello'
  $ tail -F app.log | tailwire publish logs

tailwire COMMAND --help tells more.`;

process.stdout.on("error", endOfOutput);
unsetEmpty(process.env);
try {
  const program = createProgram();
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  const exitCode = report(error);
  process.exitCode ??= exitCode;
}

function createProgram(): Command {
  const program = new Command("tailwire")
    .description("Pushes events from a server to every browser, in order and without loss.")
    .version(version())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
    .addHelpText("after", EXAMPLES);
  for (const add of [addServe, addPublish, addTail]) add(program);
  return program;
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** An error of commander's, such as `error: unknown option '--prot'` with a suggestion on a line of its own. */
function oneLine(text: string): string {
  return `${text
    .trimEnd()
    .replace(/^error: /, "tailwire: ")
    .replaceAll("\n", " ")}\n`;
}

/** Says what went wrong, where that has not been said; returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Failure || error instanceof TailwireError) tell(error.message);
  else console.error(error);
  if (error instanceof Failure) return error.exitCode;
  return error instanceof TailwireError && error.code === "misuse" ? 2 : 1;
}

/** Whoever read the output has gone, as in `| head -1`. */
function endOfOutput(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") tell(`cannot write: ${error.message}`);
  process.exit(error.code === "EPIPE" ? 0 : 1);
}

/** An empty variable, as `VAR=` in a compose file makes it, means that none was set. */
function unsetEmpty(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    if (name.startsWith("TAILWIRE_") && env[name] === "") delete env[name];
  }
}
