/** What comes from a server, one message a line, and how `tail` shows it. Pure. */

/** An event, as the wire has it. */
export interface EventMessage {
  readonly type: string;
  readonly id: string;
  readonly channel: string;
  readonly data: unknown;
  readonly encoding?: "base64";
}

/** Events that are no longer there. */
export interface GapMessage {
  readonly channel: string;
  readonly next: string;
  readonly lost: number | null;
  readonly reason: string;
}

/** A line of a server's stream, understood. */
export type Received =
  | { readonly kind: "event"; readonly event: EventMessage; readonly line: string }
  | { readonly kind: "gap"; readonly gap: GapMessage; readonly line: string }
  | { readonly kind: "open"; readonly cursor: string; readonly heartbeatMs: number }
  | { readonly kind: "close"; readonly reason: string; readonly reconnectMs: number | null }
  | { readonly kind: "other" };

/** Reads a line; undefined where it is no message. A heartbeat, or a system message of a later version, is `other`. */
export function parseLine(line: string): Received | undefined {
  const message = parseObject(line);
  if (typeof message?.type !== "string") return undefined;
  if (message.type.startsWith("$")) return parseSystem(message, line);
  if (typeof message.id !== "string" || typeof message.channel !== "string") return undefined;
  return { kind: "event", event: message as unknown as EventMessage, line };
}

function parseSystem(message: Record<string, unknown>, line: string): Received {
  const { type, cursor, heartbeatMs, reason, reconnectMs } = message;
  if (type === "$gap") return { kind: "gap", gap: message as unknown as GapMessage, line };
  if (type === "$open")
    return {
      kind: "open",
      cursor: String(cursor),
      heartbeatMs: typeof heartbeatMs === "number" ? heartbeatMs : 15_000,
    };
  if (type !== "$close") return { kind: "other" };
  return { kind: "close", reason: String(reason), reconnectMs: typeof reconnectMs === "number" ? reconnectMs : null };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An event's data as text: text as it is, JSON on one line, binary as base64.
 * @param label stands before each line, such as the channel's name where there are several
 */
export function formatEvent({ data }: EventMessage, line: string, label: string): string {
  const text = typeof data === "string" ? data : jsonOf(line, data);
  return label === "" ? text : `${label}${text.replaceAll("\n", `\n${label}`)}`;
}

/**
 * The JSON as it was published, where the data is the message's last member: numbers keep all their digits. No text
 * inside a message can look like `"data":`, since its quotes would be escaped.
 */
function jsonOf(line: string, data: unknown): string {
  const at = line.indexOf('"data":');
  const text = line.slice(at + '"data":'.length, line.lastIndexOf("}")).trim();
  return at > 0 && isJson(text) ? text : JSON.stringify(data);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A gap in words. */
export function formatGap({ channel, lost, reason }: GapMessage): string {
  if (lost === 1) return `1 event of ${channel} is no longer kept`;
  if (lost !== null) return `${lost} events of ${channel} are no longer kept`;
  if (reason === "epoch") return `${channel} has begun anew on the server; events of before may be missing`;
  return `events of ${channel} are no longer kept; nobody knows how many`;
}
