/**
 * Who gets the next connection: the worker that has most of its hand-overs confirmed, in turn where several have, so
 * that connections which live for hours are spread evenly, and one that hangs gets no more than a few. What a worker
 * has not confirmed when it ends goes to another. (node:cluster forgets that: each time a worker was killed under load,
 * one client was left with a connection that nobody would ever answer.)
 */

/** What hands a connection over: to a worker, by a number that it confirms. */
export type HandOver<Connection> = (id: number, connection: Connection) => void;

/** As many wait while there is no worker; more are dropped. */
const MAX_WAITING = 1024;

export class Distributor<Worker, Connection> {
  /** By worker, the least recently used first: what was handed over, and not confirmed. */
  readonly #workers = new Map<
    Worker,
    { readonly handOver: HandOver<Connection>; readonly open: Map<number, Connection> }
  >();
  readonly #drop: (connection: Connection) => void;
  readonly #waiting: Connection[] = [];
  #lastId = 0;

  /** @param drop ends this process's hold on a connection */
  constructor(drop: (connection: Connection) => void) {
    this.#drop = drop;
  }

  add(worker: Worker, handOver: HandOver<Connection>): void {
    this.#workers.set(worker, { handOver, open: new Map() });
    for (const connection of this.#waiting.splice(0)) this.take(connection);
  }

  /** The worker gets no more, and what it has not confirmed goes to others. */
  remove(worker: Worker): void {
    const open = this.#workers.get(worker)?.open.values() ?? [];
    this.#workers.delete(worker);
    for (const connection of open) this.take(connection);
  }

  /** A connection has come in. */
  take(connection: Connection): void {
    const worker = this.#next();
    const entry = worker === undefined ? undefined : this.#workers.get(worker);
    if (worker === undefined || entry === undefined) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(connection);
      else this.#drop(connection);
      return;
    }
    this.#workers.delete(worker);
    this.#workers.set(worker, entry);
    this.#lastId += 1;
    entry.open.set(this.#lastId, connection);
    entry.handOver(this.#lastId, connection);
  }

  /** The worker has it. */
  confirm(worker: Worker, id: number): void {
    const open = this.#workers.get(worker)?.open;
    const connection = open?.get(id);
    if (connection === undefined) return;
    open?.delete(id);
    this.#drop(connection);
  }

  /** Drops what nobody has. */
  close(): void {
    for (const connection of this.#waiting.splice(0)) this.#drop(connection);
  }

  #next(): Worker | undefined {
    let next: Worker | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [worker, { open }] of this.#workers) {
      if (open.size >= least) continue;
      least = open.size;
      next = worker;
    }
    return next;
  }
}
