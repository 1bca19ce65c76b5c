/**
 * Server-Sent Events as text (WHATWG HTML, 9.2): an encoder, and an incremental parser that follows 9.2.5 and
 * 9.2.6 to the letter.
 */

/** One SSE event to write. */
export interface SseOutput {
  /** The event's type, without CR, LF and NUL; `message`, the default, is not written. */
  readonly type?: string | undefined;
  /** Any text; without it the client fires no event, but takes the id and the retry time. */
  readonly data?: string | undefined;
  /** What `Last-Event-ID` will hold, without CR, LF and NUL. */
  readonly id?: string | undefined;
  /** How long the client waits before it comes back, in milliseconds. */
  readonly retry?: number | undefined;
}

/** One SSE event as read. */
export interface SseEvent {
  /** `message` where the stream named none. */
  readonly type: string;
  /** The data lines, joined by LF. */
  readonly data: string;
  /** The last id that the stream gave, with this event or before; "" for none. */
  readonly lastEventId: string;
}

/** Who is told of what {@link createSseParser} reads. The listeners must not throw. */
export interface SseParserOptions {
  onEvent(event: SseEvent): void;
  /** Milliseconds, as large as the stream likes: Infinity for several hundred digits. */
  onRetry?(ms: number): void;
  onComment?(text: string): void;
  /** The id to begin with, on coming back: the earlier parser's `lastEventId`. */
  readonly lastEventId?: string;
}

/** Reads one stream; each connection has its own. */
export interface SseParser {
  /** Takes the next piece of the stream, cut anywhere; bytes are UTF-8, and bad ones become U+FFFD. */
  push(chunk: Uint8Array | string): void;
  /** What to come back with: the id of the last block read whole, even one without data. */
  readonly lastEventId: string;
}

/** 9.2.5: what ends a line. A lone CR does too. */
const BREAK = /\r\n|\r|\n/;
const BREAKS = /\r\n|\r|\n/g;

/** Writes one event, with the blank line that ends it. LF, CRLF and CR in the data all arrive as LF. */
export function encodeSse({ type, data, id, retry }: SseOutput): string {
  let text = retry === undefined ? "" : `retry: ${retry}\n`;
  if (type !== undefined && type !== "message") text += `event: ${type}\n`;
  if (data !== undefined) text += `data: ${withPrefix(data, "data")}\n`;
  // Last, because some clients commit an id as soon as they read its line: were the connection to break before
  // the data, they would come back after an event that they never saw.
  if (id !== undefined) text += `id: ${id}\n`;
  return `${text}\n`;
}

/** Writes a comment, which clients pass over. */
export function encodeSseComment(text: string): string {
  return `: ${withPrefix(text, "")}\n\n`;
}

function withPrefix(text: string, field: string): string {
  return text.includes("\n") || text.includes("\r") ? text.replace(BREAKS, `\n${field}: `) : text;
}

/** An incremental parser. It looks at each character once, however the stream is cut. */
export function createSseParser({ onEvent, onRetry, onComment, ...options }: SseParserOptions): SseParser {
  // The byte order mark is dropped below, so that text and bytes go one way.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let begun = false;
  let afterCr = false;
  let line = "";
  let type = "";
  let data: string | undefined;
  let id = options.lastEventId ?? "";
  let lastEventId = id;

  function push(chunk: Uint8Array | string): void {
    let text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text === "") return;
    // A CR ends its line at once; the LF of a CRLF that was cut in two ends no other.
    if (begun ? afterCr && text[0] === "\n" : text[0] === "\ufeff") text = text.slice(1);
    begun = true;
    afterCr = text.endsWith("\r");
    const lines = text.split(BREAK);
    const last = lines.length - 1;
    for (let index = 0; index < last; index++) {
      const whole = line + lines[index];
      line = "";
      takeLine(whole);
    }
    line += lines[last];
  }

  function takeLine(whole: string): void {
    const colon = whole.indexOf(":");
    if (whole === "") dispatch();
    else if (colon < 0) takeField(whole, "");
    else takeField(whole.slice(0, colon), whole.slice(whole[colon + 1] === " " ? colon + 2 : colon + 1));
  }

  function takeField(field: string, value: string): void {
    if (field === "data") data = data === undefined ? value : `${data}\n${value}`;
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d+$/.test(value)) onRetry?.(Number(value));
    else if (field === "") onComment?.(value);
  }

  function dispatch(): void {
    const event = data === undefined ? undefined : { type: type || "message", data, lastEventId: id };
    // The id counts even where the data is missing.
    lastEventId = id;
    type = "";
    data = undefined;
    if (event !== undefined) onEvent(event);
  }

  return {
    push,
    get lastEventId() {
      return lastEventId;
    },
  };
}
