/** What the primary and its workers tell each other beside the logs: over the channel that node:child_process opens. */

/** The file descriptor of the link, in a worker. */
export const LINK_FD = 3;
/** Set, to anything, in a worker's environment. */
export const WORKER_VARIABLE = "TAILWIRE_IS_WORKER";

/** A connection comes with its number, as the message's handle. `drain`: connections still come. `end`: no more do. */
export type ToWorker = { readonly connection: number } | "drain" | "end";

/** `ready` comes first, once connections may come; `taken` confirms one; `drained` answers `drain`. */
export type ToPrimary = "ready" | { readonly taken: number } | "drained";
