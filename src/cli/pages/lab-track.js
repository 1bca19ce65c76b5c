/**
 * Where a transport is in the log, and whether all of it came: each event once, in order.
 *
 * @typedef {import("./lab-runner.js").Message} Message
 */

export class Track {
  /** The position to come back from. */
  cursor;
  events = 0;
  twice = 0;
  /** Whether more was lost than anybody can count: the log has begun anew. */
  lostMore = false;
  #lost = 0;
  #ownNumber;
  #first = 0;
  #newest = 0;
  #numbers = 0;

  /**
   * @param {string} cursor
   * @param {(message: Message) => number | undefined} ownNumber of an event that this page has published. They are
   *   counted on a transport that carries no positions, because there nothing else tells of a loss
   */
  constructor(cursor, ownNumber) {
    this.cursor = cursor;
    this.#ownNumber = ownNumber;
  }

  get lost() {
    return this.#lost + (this.#numbers ? this.#newest - this.#first + 1 - this.#numbers : 0);
  }

  /**
   * @param {Message} message
   * @returns {boolean} whether it is an event that had not come before
   */
  take(message) {
    if (message.type === "$gap") this.#skip(message);
    if (message.type.startsWith("$")) return false;
    if (message.id === undefined) this.#count(this.#ownNumber(message));
    else if (!this.#follow(message.id)) {
      this.twice += 1;
      return false;
    }
    this.events += 1;
    return true;
  }

  /** @param {Message} gap */
  #skip({ next, lost }) {
    this.cursor = next ?? this.cursor;
    this.#lost += lost ?? 0;
    this.lostMore ||= lost === null;
  }

  /** @param {string} id */
  #follow(id) {
    const [epoch, offset] = parse(id);
    const [lastEpoch, last] = parse(this.cursor);
    if (epoch === lastEpoch && offset <= last) return false;
    if (epoch === lastEpoch) this.#lost += offset - last - 1;
    this.cursor = id;
    return true;
  }

  /** @param {number | undefined} number they may overtake each other, so the holes are counted and not the jumps */
  #count(number) {
    if (number === undefined) return;
    if (this.#numbers === 0) this.#first = number;
    this.#first = Math.min(this.#first, number);
    this.#newest = Math.max(this.#newest, number);
    this.#numbers += 1;
  }
}

/**
 * @param {string} position
 * @returns {[epoch: string, offset: number]}
 */
function parse(position) {
  const [epoch = "", offset = "0"] = position.split(":");
  return [epoch, Number(offset)];
}
