// Events like those of a real feed: JSON of 200 bytes with the same keys, values from short lists and changing numbers. What
// publishers.c writes as the `id` is the only part that differs between two events of one variant.

export const ORDER_BYTES = 200;
export const ID_BYTES = 29;

const VARIANTS = 97;
const symbols = ["ACME", "NILE", "ORCA", "PINE", "QUAY", "RUBY", "SILK", "TUSK"];
const venues = ["Amsterdam", "Frankfurt", "London", "Milan", "New York", "Paris", "Tokyo", "Zurich"];
const states = ["accepted", "cancelled", "filled", "partially filled", "rejected"];
const ids = /"id":"#(\d{7})#\d{19}#"/;

/** Prefix and suffix of each variant; event n is of the variant n % variants. */
export const orders = Array.from({ length: VARIANTS }, (_, n) => makeOrder(randoms(n)));

/**
 * What begins as one of these, in a text that holds other things too.
 * @param {string} text
 */
export function findOrders(text) {
  return Array.from(text.matchAll(/\{"id":"#/g), ({ index }) => text.slice(index, index + ORDER_BYTES));
}

/**
 * The sequence number of an event, if it is one of these to the byte.
 * @param {string} text
 * @returns {number | undefined}
 */
export function readOrder(text) {
  const sequence = Number(ids.exec(text)?.[1] ?? Number.NaN);
  const order = orders[sequence % VARIANTS];
  if (order === undefined || text.length !== ORDER_BYTES) return undefined;
  return text.startsWith(order.prefix) && text.endsWith(order.suffix) ? sequence : undefined;
}

/** @param {() => number} random */
function makeOrder(random) {
  const one = (/** @type {string[]} */ list) => list[Math.floor(random() * list.length)];
  const fields = {
    symbol: one(symbols),
    side: one(["buy", "sell"]),
    price: Number((10 + 990 * random()).toFixed(2)),
    quantity: Math.ceil(random() * 5000),
    venue: one(venues),
    status: one(states),
    currency: one(["EUR", "USD"]),
    orderType: "limit",
    trader: "",
  };
  const prefix = '{"id":"';
  const suffix = (/** @type {string} */ trader) => `",${JSON.stringify({ ...fields, trader }).slice(1)}`;
  const room = ORDER_BYTES - ID_BYTES - prefix.length - suffix("").length;
  const trader = Array.from({ length: room }, () => String.fromCharCode(97 + Math.floor(26 * random()))).join("");
  return { prefix, suffix: suffix(trader) };
}

/**
 * The same numbers in every run (mulberry32).
 * @param {number} seed
 */
function randoms(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
