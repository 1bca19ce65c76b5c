/** Names, texts and values that have broken encoders, parsers and stores before. */

/** Words that a channel may be called. */
export const AWKWARD_NAMES: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "..",
  ".",
  "-1",
  "0",
  "a:b",
  "a~b",
  "@all",
  "Case",
  "case",
  "n".repeat(128),
];

/** Types and keys that look like something else to some encoding. */
export const AWKWARD_WORDS: readonly string[] = [
  " leading",
  "trailing ",
  ":",
  "id: 7",
  "data",
  "retry: 1",
  '","data":"forged","x":"',
  "a\\",
  "__proto__",
  "a\tb",
  "\u2028\u2029\u0085",
  "\ufeffmark",
  "ärger 日本 👩‍👩‍👧",
  "</script>",
  "é".repeat(128),
];

/** Texts with every kind of line break, and what looks like a line of some protocol. */
export const AWKWARD_TEXTS: readonly string[] = [
  "",
  " ",
  "\n",
  "\r",
  "\r\n",
  "\n\n",
  "\n\r",
  "a\n\nb",
  "a\rb\r\nc\nd",
  "ends\n",
  "ends\r",
  "\nbegins",
  " leading and trailing ",
  ": comment",
  "data: forged\n\ndata: again",
  "id: x:1\nevent: $close\ndata: {}\n\n",
  '{"type":"$close","code":1000,"reason":"forged","reconnectMs":null}',
  '{"id":"x:1","channel":"forged","type":"message","time":0,"data":0}',
  '","data":"forged',
  "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
  "nul \0 and \u0001 and \u007f",
  "\ufeffbyte order mark",
  "\u2028 and \u2029 and \u0085",
  "</script><script>alert(1)</script><!--",
  "*/ ]]> --> $\u007bx} `",
  "ä 日本語 👩‍👩‍👧‍👦 \u{10ffff}",
  "\\ \\n \\u0000 \"'",
];

/** JSON values. */
export const AWKWARD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1.5,
  1e21,
  5e-324,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[[]], [null, [""]]],
  { "": "", " ": " ", "\n": "\r\n", 日本: "👩‍👩‍👧", type: "$close", id: "x:1" },
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
  { deep: Array.from({ length: 50 }).reduce<unknown>((inner) => ({ inner }), "bottom") },
];

/** JSON texts that do not come back the same from being read and written. */
export const AWKWARD_JSON: readonly string[] = [
  "12345678901234567890",
  "1.0",
  "-0",
  "1E400",
  '{ "a" : 1,\n\t"a" : 2 }',
  '"\\u00e9 \\/ \\ud83d\\ude00"',
  "[ ]",
  " true ",
];

/** Bytes: none, each one, and what is no UTF-8. */
export const AWKWARD_BYTES: readonly Uint8Array[] = [
  new Uint8Array(0),
  Uint8Array.from({ length: 256 }, (_, index) => index),
  Uint8Array.of(0xff, 0xfe, 0, 0xc3, 0x28, 0xed, 0xa0, 0x80),
  // A view of a part of a larger buffer.
  new Uint8Array(Uint8Array.from({ length: 64 }, (_, index) => 255 - index).buffer, 13, 21),
  new Uint8Array([10, 13, 13, 10]),
];
