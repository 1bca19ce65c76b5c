import { useSyncExternalStore } from "react";
import { CLOSED, type ConnectionState } from "./connection-store.ts";
import { useProvided } from "./provider.ts";

/**
 * How the client of the nearest `PushProvider` is connected. On a server, and while hydrating, it is `closed`.
 * @throws {TailwireError} `misuse` where there is no `PushProvider`
 */
export function useConnectionState(): ConnectionState {
  const { connection } = useProvided();
  return useSyncExternalStore(connection.subscribe, connection.current, () => CLOSED);
}
