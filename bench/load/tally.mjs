// What was published, and in which order it arrived: the check that a figure counts for something.
//
// Sixteen publishers race, so nobody knows the order of a channel beforehand; but it must be one order. The
// first subscriber to see an n-th event fixes it: there the event is checked (published, not seen before, behind the
// ones of its own publisher). All others' n-th event must then be that same one.

/** Publisher p of n sends the sequence numbers p, p + n, p + 2n, …, one after another. */
export class Tally {
  #order;
  #known = 0;
  #seen;
  #lastOf;

  /**
   * @param {number} expected how many events each subscriber must get
   * @param {number} publishers
   */
  constructor(expected, publishers) {
    this.expected = expected;
    this.#order = new Int32Array(expected);
    this.#seen = new Uint8Array(expected);
    this.#lastOf = new Int32Array(publishers).fill(-1);
  }

  /**
   * Takes note of a subscriber's n-th event (from 0), and returns what is wrong with it, or undefined.
   * @param {number} nth
   * @param {number} sequence
   * @returns {string | undefined}
   */
  check(nth, sequence) {
    if (nth < this.#known && this.#order[nth] === sequence) return undefined;
    if (nth >= this.expected) return `more than ${this.expected} events`;
    if (nth < this.#known) return `event ${nth} is #${sequence}, others got #${this.#order[nth]}`;
    return this.#fix(nth, sequence);
  }

  /**
   * @param {number} nth
   * @param {number} sequence
   */
  #fix(nth, sequence) {
    if (!(sequence >= 0 && sequence < this.expected)) return `event ${nth} was never published (#${sequence})`;
    if (this.#seen[sequence]) return `event #${sequence} came twice`;
    const publisher = sequence % this.#lastOf.length;
    const last = this.#lastOf[publisher] ?? -1;
    if (sequence < last) return `event #${sequence} came after #${last} of the same publisher`;
    this.#seen[sequence] = 1;
    this.#lastOf[publisher] = sequence;
    this.#order[nth] = sequence;
    this.#known = nth + 1;
    return undefined;
  }
}
