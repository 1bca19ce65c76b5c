/** What the compiler holds users of the client to: `tsc` checks this file, nothing runs it. */

import { type } from "arktype";
import * as v from "valibot";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import {
  connect,
  connectWith,
  type Push,
  type ReceivedEvent,
  type TransportName,
  websocket,
} from "../../src/client/index.ts";

const push = connect("https://example.com/push");
const ZOD = z.object({ at: z.string().transform((text) => new Date(text)), price: z.number() });
const VALIBOT = v.object({ at: v.pipe(v.string(), v.toDate()), price: v.number() });
const ARKTYPE = type({ at: "string.date.parse", price: "number" });

interface Sale {
  at: Date;
  price: number;
}

// --- the data

push.subscribe("chat", (event) => {
  expectTypeOf(event.data).toBeUnknown();
  // @ts-expect-error nobody knows what it is
  event.data.text;
});

push.subscribe<{ text: string }>("chat", ({ data }) => expectTypeOf(data).toEqualTypeOf<{ text: string }>());
push.subscribe("chat", (event: ReceivedEvent<string>) => expectTypeOf(event.data).toBeString());

push.subscribe("sales", ({ data }) => expectTypeOf(data).toEqualTypeOf<Sale>(), { schema: ZOD });
push.subscribe("sales", ({ data }) => expectTypeOf(data).toEqualTypeOf<Sale>(), { schema: VALIBOT });
push.subscribe("sales", ({ data }) => expectTypeOf(data).toEqualTypeOf<Sale>(), { schema: ARKTYPE, from: "-5" });
push.subscribe("sales", ({ data }) => expectTypeOf(data).toEqualTypeOf<number>(), {
  schema: z.number().refine(async (price) => price > 0),
});
push.subscribe("sales", ({ data }) => expectTypeOf(data).toEqualTypeOf<number>(), {
  schema: v.pipeAsync(
    v.number(),
    v.checkAsync(async (price) => price > 0),
  ),
});

push.subscribe(
  "sales",
  // @ts-expect-error the schema has made a Date of it
  ({ data }) => data.at.toUpperCase(),
  { schema: ZOD },
);
// @ts-expect-error the schema gives other data
push.subscribe<{ text: string }>("sales", () => {}, { schema: ZOD });
// @ts-expect-error the handler takes other data than the schema gives
push.subscribe("sales", (_event: ReceivedEvent<{ text: string }>) => {}, { schema: ZOD });
// @ts-expect-error it is no Standard Schema
push.subscribe("sales", () => {}, { schema: (value: unknown) => value });

// --- events()

expectTypeOf(push.events("chat")).toEqualTypeOf<AsyncIterableIterator<ReceivedEvent<unknown>>>();
expectTypeOf(push.events<number>(["a", "b"])).toEqualTypeOf<AsyncIterableIterator<ReceivedEvent<number>>>();
expectTypeOf(push.events("sales", { schema: ZOD })).toEqualTypeOf<AsyncIterableIterator<ReceivedEvent<Sale>>>();
expectTypeOf(push.events("sales", { schema: VALIBOT })).toEqualTypeOf<AsyncIterableIterator<ReceivedEvent<Sale>>>();
expectTypeOf(push.events("sales", { schema: ARKTYPE })).toEqualTypeOf<AsyncIterableIterator<ReceivedEvent<Sale>>>();
// @ts-expect-error a signal is not a controller
push.events("chat", { signal: new AbortController() });

// --- what is read only

push.subscribe("chat", (event) => {
  // @ts-expect-error an event cannot be changed
  event.data = 1;
  // @ts-expect-error nor its id
  event.id = "a:1";
});
expectTypeOf(push.state).toEqualTypeOf<"closed" | "connecting" | "open" | "waiting">();
expectTypeOf(push.transport).toEqualTypeOf<TransportName | undefined>();
expectTypeOf(push.publish("chat", {})).resolves.toEqualTypeOf<{ readonly id: string; readonly channel: string }>();
// @ts-expect-error the state is the client's
push.state = "open";
// @ts-expect-error so is the transport
push.transport = "sse";

// --- options

connect("/push", { transports: ["websocket", "sse", "stream", "xhr-stream", "long-poll", "iframe", "jsonp", "poll"] });
// @ts-expect-error there is no such transport
connect("/push", { transports: ["carrier-pigeon"] });
// @ts-expect-error a list, also of one
connect("/push", { transports: "sse" });
connect("/push", { token: "secret" });
connect("/push", { token: () => "secret" });
connect("/push", { token: async () => undefined });
// @ts-expect-error a token is a text
connect("/push", { token: 1 });
// @ts-expect-error a misspelt option
connect("/push", { shareTab: true });
expectTypeOf(connectWith([websocket], "/push")).toEqualTypeOf<Push>();
// @ts-expect-error the transports themselves, not their names
connectWith(["websocket"], "/push");
// @ts-expect-error from is a text
push.subscribe("chat", () => {}, { from: -50 });
// @ts-expect-error several channels are for events()
push.subscribe(["chat", "news"], () => {});
// @ts-expect-error there is one kind of thing to listen for
push.on("error", () => {});
push.on("state", (state, reason) => {
  expectTypeOf(state).toEqualTypeOf<Push["state"]>();
  expectTypeOf(reason?.code).not.toBeAny();
});
