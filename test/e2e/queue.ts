/** Values that come by themselves, taken one by one by whoever waits for them. */

export interface Queue<T extends {}> {
  push(value: T): void;
  /** The next value, once there is one. */
  next(): Promise<T>;
  /** How many have come and not been taken. */
  readonly length: number;
}

export function queue<T extends {}>(): Queue<T> {
  const values: T[] = [];
  const waiting: ((value: T) => void)[] = [];
  return {
    push(value) {
      const first = waiting.shift();
      if (first === undefined) values.push(value);
      else first(value);
    },
    next() {
      const first = values.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
    get length() {
      return values.length;
    },
  };
}
