/**
 * SHA-1 (RFC 3174), to show how a WebSocket's accept value is made. `crypto.subtle` is not there where a page was
 * opened over plain http from another machine. For nothing that must be secret or hard to forge.
 */

/**
 * @param {Uint8Array} message
 * @returns {Uint8Array} 20 bytes
 */
export function sha1(message) {
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const padded = pad(message);
  for (let at = 0; at < padded.byteLength; at += 64) mix(state, new DataView(padded.buffer, at, 64));
  const digest = new DataView(new ArrayBuffer(20));
  for (const [index, word] of state.entries()) digest.setUint32(index * 4, word);
  return new Uint8Array(digest.buffer);
}

/**
 * Section 4: a one bit, zeros, and the length in bits, to whole blocks of 64 bytes.
 *
 * @param {Uint8Array} message
 */
function pad(message) {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setUint32(padded.length - 4, message.length * 8);
  return padded;
}

/**
 * Section 6.1: one block.
 *
 * @param {Uint32Array} state
 * @param {DataView} block
 */
function mix(state, block) {
  const words = new Uint32Array(80);
  for (let t = 0; t < 16; t += 1) words[t] = block.getUint32(t * 4);
  for (let t = 16; t < 80; t += 1) {
    words[t] = rotate(at(words, t - 3) ^ at(words, t - 8) ^ at(words, t - 14) ^ at(words, t - 16), 1);
  }
  let [a, b, c, d, e] = /** @type {[number, number, number, number, number]} */ (/** @type {unknown} */ ([...state]));
  for (let t = 0; t < 80; t += 1) {
    const next = (rotate(a, 5) + choose(t, b, c, d) + e + at(words, t) + at(ROUND, Math.floor(t / 20))) | 0;
    [a, b, c, d, e] = [next, a, rotate(b, 30), c, d];
  }
  for (const [index, word] of [a, b, c, d, e].entries()) state[index] = at(state, index) + word;
}

const ROUND = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

/**
 * Section 5: the function of a round.
 *
 * @param {number} t
 * @param {number} b
 * @param {number} c
 * @param {number} d
 */
function choose(t, b, c, d) {
  if (t < 20) return (b & c) | (~b & d);
  return t >= 40 && t < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
}

/**
 * @param {number} word
 * @param {number} bits
 */
function rotate(word, bits) {
  return (word << bits) | (word >>> (32 - bits));
}

/**
 * @param {ArrayLike<number>} words
 * @param {number} index
 */
function at(words, index) {
  return words[index] ?? 0;
}
