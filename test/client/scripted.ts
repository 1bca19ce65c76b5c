/** Transports whose links a test holds in its hand. */

import type {
  ChannelOp,
  Link,
  LinkListener,
  LinkRequest,
  PublishOp,
  Settle,
  Transport,
  TransportName,
} from "../../src/client/link.ts";
import { TailwireError } from "../../src/core/errors.ts";
import type { ManualClock } from "../../src/testing/manual-clock.ts";

/** A link that was opened. */
class ScriptedLink implements Link {
  readonly name: TransportName;
  readonly request: LinkRequest;
  readonly #listener: LinkListener;
  readonly #clock: ManualClock;
  closed = false;

  constructor(name: TransportName, request: LinkRequest, listener: LinkListener, clock: ManualClock) {
    this.name = name;
    this.request = request;
    this.#listener = listener;
    this.#clock = clock;
  }

  close(): void {
    this.closed = true;
  }

  open(cursor: string, heartbeatMs = 15_000): void {
    this.#listener.message({ type: "$open", cursor, heartbeatMs, transport: this.name, time: this.#clock.now() });
  }

  heartbeat(time = this.#clock.now()): void {
    this.#listener.message({ type: "$heartbeat", time });
  }

  /** It opens, and proves itself. */
  prove(cursor: string): void {
    this.open(cursor);
    this.heartbeat();
  }

  event(id: string, channel = "chat", data: unknown = id): void {
    this.#listener.message({ id, channel, type: "message", time: this.#clock.now(), data });
  }

  gap(after: string, next: string, lost: number | null = null): void {
    this.#listener.message({ type: "$gap", channel: "chat", after, next, lost, reason: "trimmed" });
  }

  end(code: TailwireError["code"] = "unreachable"): void {
    this.#listener.ended(new TailwireError(code, "said by the test"));
  }

  bye(code: number, reconnectMs: number | null): void {
    this.#listener.message({ type: "$close", code, reason: "said by the test", reconnectMs });
  }
}

/** A link that takes messages, as a WebSocket does. */
export class TalkingLink extends ScriptedLink {
  readonly asked: { readonly op: ChannelOp | PublishOp; readonly settle: Settle }[] = [];
  readonly change = (op: ChannelOp, settle: Settle): void => void this.asked.push({ op, settle });
  readonly publish = (op: PublishOp, settle: Settle): void => void this.asked.push({ op, settle });
}

export interface Script {
  /** All links, in the order they were opened. */
  readonly links: ScriptedLink[];
  readonly transports: readonly Transport[];
  /** The newest link. */
  last(): ScriptedLink;
}

/** @param talking those whose links take messages */
export function script(
  clock: ManualClock,
  names: readonly TransportName[],
  talking: readonly TransportName[] = [],
): Script {
  const links: ScriptedLink[] = [];
  const transports = names.map((name): Transport => {
    const Kind = talking.includes(name) ? TalkingLink : ScriptedLink;
    return {
      name,
      available: () => true,
      open(request, listener) {
        const link = new Kind(name, request, listener, clock);
        links.push(link);
        return link;
      },
    };
  });
  return { links, transports, last: () => links.at(-1) as ScriptedLink };
}
