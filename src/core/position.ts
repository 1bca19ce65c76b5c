/**
 * Where an event stands in the log of its channel. Written `epoch:offset`, such as `x7f3k2:42`,
 * which is also the event's id.
 */

/** A place in a log: after the event with this offset. Offset 0 is before the first event. */
export interface Position {
  /** Which life of the log: 1 to 32 of `A-Z a-z 0-9`. */
  readonly epoch: string;
  /** Gapless integer, from 1 for the first event of the epoch. */
  readonly offset: number;
}

const POSITION = /^([A-Za-z0-9]{1,32}):(0|[1-9][0-9]{0,15})$/;

/** Writes a position as `epoch:offset`. */
export function formatPosition(position: Position): string {
  return `${position.epoch}:${position.offset}`;
}

/** Reads `epoch:offset`; undefined where the text is not a position. */
export function parsePosition(text: string): Position | undefined {
  const match = POSITION.exec(text);
  if (match === null) return undefined;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset) ? { epoch: match[1] as string, offset } : undefined;
}

/** Whether both name the same place of the same life of a log. */
export function samePosition(a: Position, b: Position): boolean {
  return a.offset === b.offset && a.epoch === b.epoch;
}
