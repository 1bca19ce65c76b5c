/**
 * What the server remembers of the transport lab's requests, for the pages that made them. Each page draws an id of
 * 128 bits, names it in its requests, and is told of the requests with that id and no others: of each of its panels
 * the heads of the newest request, and the sum of all. That is bounded, and forgotten after a while.
 */

import type { IncomingMessage } from "node:http";
import { Exchange, type Traffic } from "./lab-exchange.ts";

/** As many pages at once; of more, the one is forgotten that was silent for longest. */
export const MAX_LABS = 100;
/** As many requests of one panel are watched at once; a browser has one or two. More go unwatched. */
export const MAX_OPEN = 8;
/** A page that was silent for so long, and holds no connection, is forgotten. */
export const EXPIRES_MS = 10 * 60_000;

/** A page, and which of its panels. The labels are a closed list, so there are no more panels than it has. */
export interface LabKey {
  readonly id: string;
  readonly label: string;
}

/** An exchange as the page is told of it. The heads are left out where it has been told of them before. */
interface ExchangeReport extends Traffic {
  readonly n: number;
  readonly open: boolean;
  readonly request?: string;
  readonly response?: string;
}

/** All exchanges of a panel together, and the newest one. */
interface PanelReport extends Traffic {
  readonly requests: number;
  readonly newest: ExchangeReport;
}

export interface LabReport {
  /** What to name as `after` next time. */
  readonly version: number;
  readonly panels: Readonly<Record<string, PanelReport>>;
}

interface Panel {
  requests: number;
  /** The sums of those that are over. */
  sent: number;
  received: number;
  readonly open: Set<Exchange>;
  newest: Exchange;
  n: number;
  changedAt: number;
}

interface Lab {
  readonly panels: Map<string, Panel>;
  /** The panels whose connections are cut until they are let back. */
  readonly cut: Set<string>;
  touchedMs: number;
}

export class LabMemory {
  readonly #now: () => number;
  /** The one touched last is the last one. */
  readonly #labs = new Map<string, Lab>();
  /** Numbers exchanges and changes. Begins at the time, so that it grows over a restart too. */
  #count: number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#count = now();
  }

  /** How many pages are remembered. */
  get size(): number {
    return this.#labs.size;
  }

  /** Remembers a request, to be watched; undefined where the panel has too many of them. */
  begin({ id, label }: LabKey, req: IncomingMessage): Exchange | undefined {
    const { panels } = this.#touch(id);
    const known = panels.get(label);
    if (known !== undefined && known.open.size >= MAX_OPEN) return undefined;
    const exchange: Exchange = new Exchange(req, () => {
      if (panel.newest === exchange) panel.changedAt = this.#next();
      if (!exchange.open) settle(panel, exchange);
    });
    const n = this.#next();
    const panel: Panel = known ?? {
      requests: 0,
      sent: 0,
      received: 0,
      open: new Set(),
      newest: exchange,
      n,
      changedAt: n,
    };
    panels.set(label, Object.assign(panel, { newest: exchange, n, changedAt: n, requests: panel.requests + 1 }));
    panel.open.add(exchange);
    return exchange;
  }

  /** Breaks a panel's connections off, and those that it opens from now on. */
  cut({ id, label }: LabKey): void {
    const lab = this.#touch(id);
    lab.cut.add(label);
    for (const exchange of lab.panels.get(label)?.open ?? []) exchange.cut();
  }

  /** Lets a panel's connections live again. */
  release({ id, label }: LabKey): void {
    this.#touch(id).cut.delete(label);
  }

  isCut({ id, label }: LabKey): boolean {
    return this.#labs.get(id)?.cut.has(label) ?? false;
  }

  /** All that was counted, and the heads that have changed since the version `after`. */
  report(id: string, after: number): LabReport {
    const panels = this.#labs.has(id) ? this.#touch(id).panels : [];
    const reports = Array.from(panels, ([label, panel]) => [label, reportOf(panel, after)] as const);
    return { version: this.#count, panels: Object.fromEntries(reports) };
  }

  /** Forgets the pages that have expired. */
  sweep(): void {
    const before = this.#now() - EXPIRES_MS;
    for (const [id, { panels, touchedMs }] of this.#labs) {
      const holds = [...panels.values()].some(({ open }) => open.size > 0);
      if (touchedMs <= before && !holds) this.#labs.delete(id);
    }
  }

  #touch(id: string): Lab {
    const lab = this.#labs.get(id) ?? { panels: new Map(), cut: new Set(), touchedMs: 0 };
    lab.touchedMs = this.#now();
    this.#labs.delete(id);
    this.#labs.set(id, lab);
    for (const oldest of this.#labs.keys()) {
      if (this.#labs.size <= MAX_LABS) break;
      this.#labs.delete(oldest);
    }
    return lab;
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

function settle(panel: Panel, exchange: Exchange): void {
  const { sent, received } = exchange.traffic;
  panel.open.delete(exchange);
  panel.sent += sent;
  panel.received += received;
}

function reportOf({ requests, sent, received, open, newest, n, changedAt }: Panel, after: number): PanelReport {
  const { request, response } = newest;
  const all = { requests, sent, received };
  for (const { traffic } of open) {
    all.sent += traffic.sent;
    all.received += traffic.received;
  }
  const heads = changedAt > after ? { request, response } : {};
  return { ...all, newest: { n, open: newest.open, ...newest.traffic, ...heads } };
}
