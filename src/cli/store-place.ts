/** `--store`: where the logs of `tailwire serve` live. Pure. */

import { InvalidArgumentError } from "commander";

export type StorePlace =
  | { readonly kind: "memory" }
  | { readonly kind: "disk"; readonly path: string }
  | { readonly kind: "redis"; readonly url: string };

/** The folder of logs under the working directory, where no other is named. */
const FOLDER = ".tailwire";

/** A place from its text: `memory:`, `disk:PATH`, or the URL of a Redis. */
export function storePlace(text: string): StorePlace {
  if (text === "memory:") return { kind: "memory" };
  if (text === "disk:") return { kind: "disk", path: FOLDER };
  if (text.startsWith("disk:")) return { kind: "disk", path: text.slice("disk:".length) };
  if (/^rediss?:\/\//.test(text) && URL.canParse(text)) return { kind: "redis", url: text };
  throw new InvalidArgumentError("It is memory:, disk:PATH or the URL of a Redis, such as redis://127.0.0.1:6379.");
}
