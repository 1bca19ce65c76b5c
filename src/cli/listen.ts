/** Listening, with a line that says what is wrong where that cannot be. */

import { type AddressInfo, BlockList, isIPv6, type Server } from "node:net";
import { Failure } from "./failure.ts";
import { tell } from "./tell.ts";

/**
 * Connections that may wait to be accepted, where the system allows as many (net.core.somaxconn): after a cut all clients
 * come back at once, and one that finds the line full tries again a second later. Node's own 511 are few for that.
 */
const BACKLOG = 16_384;

/** Where to listen. */
export interface Place {
  readonly port: number;
  readonly host: string;
}

/** @throws {Failure} where that cannot be listened on */
export async function listen(server: Server, { port, host }: Place): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenFailure(error, port, host)));
    server.listen(port, host, BACKLOG, resolve);
  });
  return server.address() as AddressInfo;
}

/** Says that the server is ready, and that others can reach it where they can. */
export function announce({ address, port }: AddressInfo, { host, path }: { host: string; path: string }): void {
  if (!isLoopback(address)) {
    tell(`warning: ${host} is open to other machines, and this version has no authorisation yet`);
  }
  const name = isIPv6(host) ? `[${host}]` : host;
  console.log(`tailwire listening on http://${name}:${port}${path.replace(/\/$/, "")}`);
}

function listenFailure(error: NodeJS.ErrnoException, port: number, host: string): Failure {
  const { code, message, cause = error } = error;
  if (code === "EADDRINUSE")
    return new Failure(`port ${port} of ${host} is in use; --port 0 picks a free one`, { cause });
  if (code === "EACCES") return new Failure(`port ${port} of ${host} is not for this user to listen on`, { cause });
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "EADDRNOTAVAIL" || code === "EINVAL") {
    return new Failure(`--host ${host} is no name or address of this machine (${code})`, { exitCode: 2, cause });
  }
  return new Failure(`cannot listen on port ${port} of ${host}: ${message}`, { cause });
}

function isLoopback(address: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8);
  loopback.addAddress("::1", "ipv6");
  return loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
