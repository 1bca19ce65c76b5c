/** The one error class, and the closed list of codes that answers and messages carry. */

/** Every code that an answer, a message or a thrown {@link TailwireError} can carry. */
export type ErrorCode =
  | "invalid_channel" // a channel name outside the grammar, too many of them, or one twice
  | "invalid_parameter" // a query parameter or option that does not parse or does not fit
  | "invalid_cursor" // a position that the log has not reached yet
  | "invalid_data" // JSON that does not parse, text that is not UTF-8
  | "invalid_message" // a WebSocket message that is not one of the protocol's
  | "invalid_handshake" // a WebSocket request that breaks RFC 6455
  | "event_too_large" // over maxEventBytes
  | "unsupported_media_type" // a charset or content coding that is not read
  | "not_acceptable" // nothing that the client accepts can be sent
  | "transport_disabled" // a transport that the server has, and that is switched off
  | "origin_not_allowed" // a page of an origin that is not in allowOrigins
  | "not_found" // no such route
  | "method_not_allowed" // the route does not have this method
  | "not_supported" // the store does not have this ability
  | "upgrade_required" // a WebSocket version that is not spoken
  | "shutting_down" // the hub is closed
  | "store_unavailable" // the store cannot be reached, or cannot write: the same may succeed a moment later
  | "protocol_error" // a client: what came is not the protocol
  | "unreachable" // a client: nothing came, over no transport, in time
  | "misuse" // the library was called wrongly; the message says how it is done
  | "internal"; // a fault of the server

/** What went wrong, with a code that programs can rely on. */
export class TailwireError extends Error {
  // Declared only: a page pays for each field that is defined twice.
  declare readonly code: ErrorCode;
  /** The parameter at fault, where it is one. */
  declare readonly parameter: string | undefined;

  constructor(code: ErrorCode, detail: string, more: { parameter?: string; cause?: unknown } = {}) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "TailwireError";
    this.code = code;
    this.parameter = more.parameter;
  }
}
