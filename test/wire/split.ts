/** Ways to cut a stream, for codecs that must not care where it is cut. */

/** The bytes cut in two at every place, then fed byte by byte, then with empty chunks in between. */
export function* everySplit(bytes: Uint8Array): Generator<readonly Uint8Array[]> {
  yield [bytes];
  for (let at = 0; at <= bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  yield single;
  yield single.flatMap((chunk) => [chunk, new Uint8Array(0)]);
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
