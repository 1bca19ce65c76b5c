/**
 * How processes that have the same folder open tell each other that they have committed: each writes a byte into one
 * file and watches that file. A ring that is lost, or a system without watching, costs only time, for each also looks
 * from time to time.
 */

import { closeSync, constants, type FSWatcher, openSync, watch, write } from "node:fs";
import path from "node:path";
import { type Cancel, systemClock } from "../../core/clock.ts";

/** How often it is looked where rings come, and where they do not, in milliseconds. */
const LOOK_MS = 250;
const LOOK_UNWATCHED_MS = 10;

const RING = Buffer.from("!");

export class Bell {
  readonly #file: string;
  readonly #fd: number;
  readonly #heard: () => void;
  #writing: "idle" | "writing" | "writing, and once more" = "idle";
  #watcher: FSWatcher | undefined;
  #look: Cancel | undefined;
  #whenIdle: (() => void) | undefined;

  /** @param heard called when others may have committed, while it is listened */
  constructor(folder: string, heard: () => void) {
    this.#file = path.join(folder, "bell");
    this.#fd = openSync(this.#file, constants.O_RDWR | constants.O_CREAT);
    this.#heard = heard;
  }

  /** Tells the others. */
  ring(): void {
    if (this.#writing !== "idle") {
      this.#writing = "writing, and once more";
      return;
    }
    this.#writing = "writing";
    write(this.#fd, RING, 0, 1, 0, () => {
      const again = this.#writing === "writing, and once more";
      this.#writing = "idle";
      if (again) this.ring();
      else this.#whenIdle?.();
    });
  }

  listen(): void {
    if (this.#look !== undefined) return;
    try {
      this.#watcher = watch(this.#file, { persistent: false }, this.#heard);
      this.#watcher.on("error", () => this.#unwatch());
    } catch {
      this.#unwatch(); // the system has no watches left
    }
    this.#lookLater();
  }

  unlisten(): void {
    this.#unwatch();
    this.#look?.();
    this.#look = undefined;
  }

  async close(): Promise<void> {
    this.unlisten();
    if (this.#writing !== "idle") {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    closeSync(this.#fd);
  }

  #lookLater(): void {
    this.#look = systemClock.after(this.#watcher === undefined ? LOOK_UNWATCHED_MS : LOOK_MS, () => {
      this.#lookLater();
      this.#heard();
    });
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
