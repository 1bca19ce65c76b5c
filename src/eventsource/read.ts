/** The seam between the life of an EventSource and what carries its bytes: one GET request, read as it comes. */

export interface ReadRequest {
  readonly url: string;
  /** By lower-case name; values are byte strings. */
  readonly headers: Readonly<Record<string, string>>;
  readonly withCredentials: boolean;
}

/** Called later than {@link Read} returns, in the order `head`, `piece`…, and last `end` or `aborted`. */
export interface ReadListener {
  /**
   * @param contentType as it came; null for none
   * @param url after redirects; "" where that is not known
   */
  head(status: number, contentType: string | null, url: string): void;
  /**
   * The next part of the body.
   * @param held how long the text is that the reader keeps until the request is over; 0 if it keeps none
   */
  piece(piece: Uint8Array | string, held: number): void;
  /** The body has ended, orderly or not, or there was a network error in place of an answer. */
  end(): void;
  /** The browser gave up the request, and not for the network's sake: the page was stopped. */
  aborted(): void;
}

/**
 * Sends the request. Where it is none that can be sent, throws.
 * @returns aborts it; after that the listener hears nothing more
 */
export type Read = (request: ReadRequest, listener: ReadListener) => () => void;
