/** Text as lines, each ended by LF. */

import { TailwireError } from "../../core/errors.ts";
import type { TextReader } from "./endless.ts";

/** The longest message, in UTF-16 units. */
const MAX_LINE_CHARS = 64 * 1024 * 1024;

export function readLines(line: (text: string) => unknown): TextReader {
  let rest = "";
  return {
    push(piece) {
      const lines = (rest + piece).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE_CHARS) throw new TailwireError("protocol_error", "a message has no end");
      for (const text of lines) if (text !== "") line(text);
    },
    get whole() {
      return rest === "";
    },
  };
}
