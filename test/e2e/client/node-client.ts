/** A client in this process that writes down what it is told. */

import { onTestFinished } from "vitest";
import type { ConnectOptions } from "../../../src/client/index.ts";
import { Inbox } from "./inbox.ts";
import { type Recorder, record } from "./recorder.ts";

export interface NodeClient extends Inbox, Recorder {}

/** Closed when the test is over. */
export function nodeClient(url: string, options: ConnectOptions = {}): NodeClient {
  const inbox = new Inbox();
  const recorder = record(url, options, (told) => inbox.add(told));
  onTestFinished(() => recorder.push.close());
  return Object.assign(inbox, recorder);
}
