/** `--url`, which names the server. */

import { Option } from "commander";
import { serverUrl } from "./values.ts";

export function urlOption(): Option {
  return new Option("--url <url>", "URL of the server, with its base path")
    .env("TAILWIRE_URL")
    .default("http://127.0.0.1:7070")
    .argParser(serverUrl);
}
