/** What the compiler holds users of the hooks to: `tsc` checks this file, nothing runs it. */

import { type } from "arktype";
import { createElement } from "react";
import * as v from "valibot";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import type { Push, ReceivedEvent, ReceivedGap, TailwireError, TransportName } from "../../src/client/index.ts";
import {
  type ChannelItem,
  type ChannelView,
  PushProvider,
  useChannel,
  useConnectionState,
  usePush,
} from "../../src/react/index.ts";

interface Said {
  text: string;
}

export function Data(props: { readonly from?: string; readonly channel?: string }): void {
  expectTypeOf(useChannel("chat")).toEqualTypeOf<ChannelView<unknown>>();
  expectTypeOf(useChannel<Said>("chat")).toEqualTypeOf<ChannelView<Said>>();
  const view = useChannel("chat", { schema: z.object({ text: z.string() }) });
  expectTypeOf(view).toEqualTypeOf<ChannelView<Said>>();
  expectTypeOf(view.events).toEqualTypeOf<readonly ReceivedEvent<Said>[]>();
  expectTypeOf(view.last).toEqualTypeOf<ReceivedEvent<Said> | undefined>();
  expectTypeOf(view.gap).toEqualTypeOf<ReceivedGap | undefined>();
  expectTypeOf(view.items).toEqualTypeOf<readonly ChannelItem<Said>[]>();
  expectTypeOf(useChannel("chat", { schema: v.object({ text: v.string() }) })).toEqualTypeOf<ChannelView<Said>>();
  expectTypeOf(useChannel("chat", { schema: type({ text: "string" }) })).toEqualTypeOf<ChannelView<Said>>();
  expectTypeOf(useChannel("chat", { schema: z.coerce.date() }).last?.data).toEqualTypeOf<Date | undefined>();

  useChannel("chat", {
    onEvent: ({ data }) => expectTypeOf(data).toEqualTypeOf<Said>(),
    schema: z.object({ text: z.string() }),
  });
  useChannel("chat", { onEvent: ({ data }) => expectTypeOf(data).toBeUnknown() });
  // @ts-expect-error the schema gives other data
  useChannel<Said>("chat", { schema: z.number() });
  // @ts-expect-error nobody knows what it is
  useChannel("chat").last?.data.text;
  // @ts-expect-error there may be none
  useChannel<Said>("chat").last.data;

  for (const item of view.items) {
    if ("lost" in item) expectTypeOf(item).toEqualTypeOf<ReceivedGap>();
    else expectTypeOf(item).toEqualTypeOf<ReceivedEvent<Said>>();
  }
  // @ts-expect-error what is shown cannot be changed
  view.events.push();
  // @ts-expect-error nor can it be replaced
  view.last = undefined;

  // What a component may not have been given can be passed on.
  useChannel(props.channel, { from: props.from });
  useChannel(null, { maxEvents: undefined, schema: undefined, onEvent: undefined, onGap: undefined });
  // @ts-expect-error one channel
  useChannel(["chat", "news"]);
  // @ts-expect-error a misspelt option
  useChannel("chat", { max: 5 });
}

export function Connection(): void {
  expectTypeOf(usePush()).toEqualTypeOf<Push>();
  const connection = useConnectionState();
  expectTypeOf(connection).toEqualTypeOf<{
    readonly state: "closed" | "connecting" | "open" | "waiting";
    readonly transport: TransportName | undefined;
    readonly reason: TailwireError | undefined;
  }>();
  // @ts-expect-error it is the client's
  connection.state = "open";
}

export function Provider({ push }: { readonly push: Push }): void {
  createElement(PushProvider, { push }, "children");
  // @ts-expect-error it needs a client
  createElement(PushProvider, {}, "children");
  // @ts-expect-error a client, not a URL
  createElement(PushProvider, { push: "/push" });
}
