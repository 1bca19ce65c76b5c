import { describe, expect, it } from "vitest";
import type { ChannelName } from "../../src/core/channel-name.ts";
import type { ChannelEvent, Item } from "../../src/core/event.ts";
import { FrameCache } from "../../src/core/frame-cache.ts";
import { ManualClock } from "../../src/testing/index.ts";

const channel = "news" as ChannelName;

function event(offset: number, text = "x", epoch = "a"): ChannelEvent {
  const data = { kind: "text", text } as const;
  return { channel, position: { epoch, offset }, type: "message", key: undefined, time: 0, data };
}

/** A cache, and a way to count what is made through it. */
function counting() {
  const clock = new ManualClock();
  const cache = new FrameCache(clock);
  let made = 0;
  const frame = (key: string, items: readonly Item[]) => cache.frame(key, items, () => ({ number: ++made }));
  return { clock, cache, frame, made: () => made };
}

describe("FrameCache", () => {
  it("gives the same frame for the same events in the same encoding", () => {
    const { frame, made } = counting();
    const first = frame("sse", [event(1), event(2)]);
    expect(frame("sse", [event(1), event(2)])).toBe(first);
    expect(made()).toBe(1);
  });

  it.each([
    ["encoding", "stream", [event(1), event(2)]],
    ["first event", "sse", [event(2)]],
    ["last event", "sse", [event(1), event(2), event(3)]],
    ["epoch", "sse", [event(1, "x", "b"), event(2, "x", "b")]],
    ["channel", "sse", [event(1), event(2)].map((each) => ({ ...each, channel: "more" as ChannelName }))],
  ] as const)("makes another for another %s", (_, key, items) => {
    const { frame } = counting();
    const first = frame("sse", [event(1), event(2)]);
    expect(frame(key, items)).not.toBe(first);
  });

  it("lets go after a second", () => {
    const { frame, clock } = counting();
    const first = frame("sse", [event(1)]);
    clock.advance(999);
    expect(frame("sse", [event(1)])).toBe(first);
    clock.advance(1);
    expect(frame("sse", [event(1)])).not.toBe(first);
  });

  it("holds the newest 64", () => {
    const { frame } = counting();
    const frames = Array.from({ length: 65 }, (_, index) => frame("sse", [event(index + 1)]));
    expect(frame("sse", [event(65)])).toBe(frames[64]);
    expect(frame("sse", [event(2)])).toBe(frames[1]);
    expect(frame("sse", [event(1)])).not.toBe(frames[0]);
  });

  it("holds no frame of a gap, and none of more than 64 KiB", () => {
    const { frame, made } = counting();
    const position = { epoch: "a", offset: 3 };
    const gap = { channel, after: { epoch: "z", offset: 1 }, next: position, lost: null, reason: "epoch" } as const;
    for (const items of [[gap, event(4)], [event(1, "x".repeat(65_536))]]) {
      frame("sse", items);
      frame("sse", items);
    }
    expect(made()).toBe(4);
  });
});
