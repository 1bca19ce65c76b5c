/** The script of the tests' page: renders what the test wants, and keeps what went wrong. */

import { Activity, type ActivityProps, createElement } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { connect, type TransportName } from "../../src/client/index.ts";
import { App, type Notes, type RoomProps } from "./app.ts";

/** What the page offers to the test. */
export interface ReactPage extends Notes {
  readonly errors: readonly string[];
  show(rooms: readonly RoomProps[]): void;
  /** Takes over what the server rendered. */
  hydrate(rooms: readonly RoomProps[]): void;
  /** Keeps the app, but not on the screen. */
  hide(rooms: readonly RoomProps[]): void;
}

const notes: Notes = { renders: {}, heard: {} };
const errors: string[] = [];
const keep = (error: unknown) => void errors.push(String(error));
const transports = (new URLSearchParams(location.search).get("transports") ?? "websocket").split(",");
const push = connect("/push", { transports: transports as TransportName[], onError: keep });
const container = document.querySelector("main") as HTMLElement;
const hooks = { onUncaughtError: keep, onRecoverableError: keep };
let root: Root | undefined;

function render(rooms: readonly RoomProps[], mode: "visible" | "hidden"): void {
  root ??= createRoot(container, hooks);
  const activity: ActivityProps = { mode, children: createElement(App, { push, notes, rooms }) };
  root.render(createElement(Activity, activity));
}

const page: ReactPage = {
  ...notes,
  errors,
  show: (rooms) => render(rooms, "visible"),
  hide: (rooms) => render(rooms, "hidden"),
  hydrate(rooms) {
    root = hydrateRoot(container, createElement(App, { push, notes, rooms }), hooks);
  },
};
Object.assign(globalThis, { page });
