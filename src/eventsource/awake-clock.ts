/** The real time, with timers that keep a Node process alive. */

import { type Clock, systemClock } from "../core/clock.ts";

/** A program whose only work is an EventSource is not done while that waits to come back. */
export const awakeClock: Clock = {
  ...systemClock,
  after(ms, run) {
    // What holds a process is a port that listens. (Not every browser has ports, and none needs this.)
    const port = globalThis.MessageChannel && new MessageChannel().port1;
    if (port) port.onmessage = () => {};
    const stop = () => {
      port?.close();
      cancel();
    };
    const cancel = systemClock.after(ms, () => {
      stop();
      run();
    });
    return stop;
  },
};
