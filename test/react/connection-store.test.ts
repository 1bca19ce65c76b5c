import { expect, it } from "vitest";
import { type Push, type State, TailwireError } from "../../src/client/index.ts";
import { createConnectionStore } from "../../src/react/connection-store.ts";
import { listedPush } from "./listed-push.ts";

function subject() {
  const listeners = new Set<(state: State, reason?: TailwireError) => void>();
  let now: Pick<Push, "state" | "transport"> = { state: "closed", transport: undefined };
  const push: Push = {
    ...listedPush().push,
    on(_type, listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get state() {
      return now.state;
    },
    get transport() {
      return now.transport;
    },
  };
  return {
    store: createConnectionStore(push),
    become(state: State, transport?: Push["transport"], reason?: TailwireError) {
      now = { state, transport };
      for (const listener of listeners) listener(state, reason);
    },
  };
}

it("is the client's state and transport, and the same object until they change", () => {
  const { store, become } = subject();
  expect(store.current()).toEqual({ state: "closed", transport: undefined, reason: undefined });
  become("open", "sse");
  const open = store.current();
  expect(open).toEqual({ state: "open", transport: "sse", reason: undefined });
  become("open", "sse");
  expect(store.current()).toBe(open);
  become("open", "websocket");
  expect(store.current()).toEqual({ state: "open", transport: "websocket", reason: undefined });
});

it("tells every listener until it is gone", () => {
  const { store, become } = subject();
  const told: string[] = [];
  const [first] = ["a", "b"].map((name) => store.subscribe(() => told.push(`${name} ${store.current().state}`)));
  become("connecting");
  first?.();
  become("open", "sse");
  expect(told).toEqual(["a connecting", "b connecting", "b open"]);
});

it("remembers why it was closed for whoever asks later, until it is open again", () => {
  const { store, become } = subject();
  store.subscribe(() => {});
  const reason = new TailwireError("invalid_cursor", "too far");
  become("closed", undefined, reason);
  expect(store.current()).toEqual({ state: "closed", transport: undefined, reason });
  become("connecting");
  expect(store.current().reason).toBe(undefined);
  become("closed");
  expect(store.current().reason).toBe(undefined);
});
