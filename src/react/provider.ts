/** What gives the client to the components below it. */

import { createContext, createElement, type ReactNode, useContext, useEffect, useMemo } from "react";
import { type Push, TailwireError } from "../client/index.ts";
import { type ConnectionStore, createConnectionStore } from "./connection-store.ts";

export interface PushProviderProps {
  /** The client. Make it outside of components: it lives as long as the page, and connects only while it is used. */
  readonly push: Push;
  readonly children?: ReactNode;
}

interface Provided {
  readonly push: Push;
  readonly connection: ConnectionStore;
}

const PushContext = createContext<Provided | undefined>(undefined);

/** Gives a client to `useChannel`, `useConnectionState` and `usePush` in all components below. */
export function PushProvider({ push, children }: PushProviderProps): ReactNode {
  const provided = useMemo(() => ({ push, connection: createConnectionStore(push) }), [push]);
  // Listens for itself, too: whoever asks later why the connection was closed can then be told.
  useEffect(() => provided.connection.subscribe(() => {}), [provided]);
  return createElement(PushContext.Provider, { value: provided }, children);
}

/**
 * The client of the nearest `PushProvider`, such as to publish.
 * @throws {TailwireError} `misuse` where there is none
 */
export function usePush(): Push {
  return useProvided().push;
}

/** @throws {TailwireError} `misuse` */
export function useProvided(): Provided {
  const provided = useContext(PushContext);
  if (provided !== undefined) return provided;
  throw new TailwireError("misuse", "there is no <PushProvider push={…}> above this component");
}
