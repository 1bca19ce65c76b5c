/** Any stream: mostly lines that mean something, with everything that could be taken wrongly in between. */

import fc from "fast-check";
import { utf8 } from "../wire/split.ts";

const field = fc.constantFrom(
  "data",
  "data",
  "data",
  "event",
  "id",
  "id",
  "",
  "retry",
  "Data",
  " data",
  "dat",
  "\ufeffdata",
);
const colon = fc.constantFrom(":", ": ", ":", ":  ", "", "::");
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("", "x", "é…🙂", "a:b", "\0", "1", "x\0y", "\ufeff", "\t") },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
);
/** Of types only these, so that a test can listen to all. */
const event = fc.constantFrom("event:a\n", "event: a\r\n", "event\n", "event:message\r", "event:b\n", "event: \n");
const lineBreak = fc.constantFrom("\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\n\r\n");

const line = fc
  .tuple(field, colon, value, lineBreak)
  .map(([name, sep, text, end]) => (name === "event" ? "event\n" : `${name}${sep}${text}${end}`));

/** Bytes that are no UTF-8. */
const noise = fc.constantFrom([0xff], [0xc3], [0xf0, 0x9f], [0xed, 0xa0, 0x80], [0xef, 0xbb]);

export const TYPES = ["a", "b"] as const;

/** Ended by blank lines, so that nothing is left half read. */
export const arbitraryStream: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom("", "", "\ufeff"),
    fc.array(
      fc.oneof(
        { weight: 8, arbitrary: line },
        { weight: 2, arbitrary: event },
        { weight: 2, arbitrary: lineBreak },
        { weight: 1, arbitrary: noise },
      ),
      { maxLength: 25 },
    ),
  )
  .map(([mark, parts]) =>
    Uint8Array.from([mark, ...parts, "\n\n"].flatMap((part) => (typeof part === "string" ? [...utf8(part)] : part))),
  )
  // Browsers hold this for the mark of UTF-16.
  .filter(([first, second]) => !(first === 0xff && second === 0xfe));
