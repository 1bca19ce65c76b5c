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
  readonly onEvent: (event: ReceivedEvent<T>) => void;
  readonly onGap: (gap: ReceivedGap) => void;
  readonly onError: (error: unknown) => void;
  readonly schema: StandardSchema<T> | undefined;
}

/** Gives what items are handed to. Order is kept also where a schema takes its time. */
export function createDelivery<T>({ onEvent, onGap, onError, schema }: DeliverOptions<T>): (item: ItemMessage) => void {
  let before: Promise<void> | undefined;

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
    if (before === undefined) {
      const done = safely(item);
      if (done !== undefined) wait(done);
    } else wait(before.then(() => safely(item)));
  };

  function wait(done: Promise<void>): void {
    before = done;
    void done.then(() => {
      if (before === done) before = undefined;
    });
  }
}

function receivedEvent<T>({ encoding, ...message }: EventMessage): ReceivedEvent<T> {
  const data = encoding === undefined ? message.data : fromBase64(message.data as string);
  return { ...message, data: data as T };
}
