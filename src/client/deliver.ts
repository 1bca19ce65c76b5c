/** From what the wire has to what the application has: data as a value, checked where there is a schema. */

import { TailwireError } from "../core/errors.ts";
import type { ReceivedEvent, ReceivedGap } from "../core/event.ts";
import { type EventMessage, fromBase64 } from "../wire/message.ts";
import { type ItemMessage, isGapMessage } from "./places.ts";

/** The part of Standard Schema (https://standardschema.dev) that is used: zod, valibot and arktype have it. */
export interface StandardSchema<T> {
  readonly "~standard": {
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

export interface DeliverOptions<T> {
  readonly onEvent: (event: ReceivedEvent<T>) => unknown;
  readonly onGap: (gap: ReceivedGap) => unknown;
  readonly onError: (error: unknown) => void;
  readonly schema: StandardSchema<T> | undefined;
  /** As much as it may waits for a schema that takes its time: it wants no more, until `drained`. */
  readonly full: () => void;
  readonly drained: () => void;
}

/** Items that wait for their schema. */
const MAX_WAITING = 1000;

/** Gives what items are handed to. Order is kept also where a schema takes its time. */
export function createDelivery<T>(options: DeliverOptions<T>): (item: ItemMessage) => void {
  const { onEvent, onGap, onError, schema } = options;
  let before: Promise<void> | undefined;
  let waiting = 0;

  /** Gives a promise where the item is not handed on yet. */
  function hand(item: ItemMessage): Promise<void> | undefined {
    if (isGapMessage(item)) onGap(item);
    else {
      const event = receivedEvent<T>(item);
      const result = schema?.["~standard"].validate(event.data) ?? { value: event.data };
      if (result instanceof Promise) return result.then((late) => judge(event, late));
      judge(event, result);
    }
    return undefined;
  }

  function judge(event: ReceivedEvent<T>, result: SchemaResult<T>): void {
    if (result.issues !== undefined) {
      const why = result.issues.map(({ message }) => message).join("; ");
      throw new TailwireError("invalid_data", `${event.channel} ${event.id} does not fit its schema: ${why}`);
    }
    onEvent({ ...event, data: result.value });
  }

  function safely(item: ItemMessage): Promise<void> | undefined {
    try {
      return hand(item)?.catch(onError);
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  return (item) => {
    const done = before === undefined ? safely(item) : before.then(() => safely(item));
    if (done === undefined) return;
    before = done;
    if (++waiting === MAX_WAITING) options.full();
    void done.then(() => {
      if (--waiting > 0) return;
      before = undefined;
      options.drained();
    });
  };
}

function receivedEvent<T>({ encoding, ...message }: EventMessage): ReceivedEvent<T> {
  const data = encoding === undefined ? message.data : fromBase64(message.data as string);
  return { ...message, data: data as T };
}
