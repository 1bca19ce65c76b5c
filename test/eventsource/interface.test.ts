/** The EventSource interface itself: its members, its handlers, its events, its URL. In Node; browser.test.ts compares. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, expectTypeOf, it, onTestFinished } from "vitest";
import { EventSource, type EventSourceInit } from "../../src/eventsource/index.ts";
import { bundleTo } from "./bundle.ts";
import { open, scriptedServer, stream } from "./scripted-server.ts";

/** One that connects to a server which does not answer, until the test is over. */
async function connecting(init?: EventSourceInit): Promise<EventSource> {
  const { url } = await scriptedServer({ "/": () => {} });
  return closing(new EventSource(url, init));
}

function closing(source: EventSource): EventSource {
  onTestFinished(() => source.close());
  return source;
}

describe("the EventSource interface", () => {
  it("eventsource-prototype: its prototype can be extended", async () => {
    Object.assign(EventSource.prototype, { answer: () => 42 });
    onTestFinished(() => {
      Reflect.deleteProperty(EventSource.prototype, "answer");
    });
    expect(await connecting()).toHaveProperty("answer");
    expect(await connecting()).toBeInstanceOf(EventTarget);
  });

  it("has its constants on itself and on its objects, and they cannot be changed", async () => {
    const source = await connecting();
    for (const holder of [EventSource, EventSource.prototype, source]) {
      expect([holder.CONNECTING, holder.OPEN, holder.CLOSED]).toEqual([0, 1, 2]);
      expect(() => Object.assign(holder, { OPEN: 3 })).toThrow(TypeError);
    }
  });

  it("has members like those of a native interface", async () => {
    const members = ["url", "withCredentials", "readyState", "onopen", "onmessage", "onerror", "close"];
    const inherited: string[] = [];
    for (const name in await connecting()) inherited.push(name);
    expect(inherited).toEqual(expect.arrayContaining([...members, "CONNECTING", "OPEN", "CLOSED", "addEventListener"]));
    expect(Object.keys(await connecting())).toEqual([]);
    expect(EventSource.length).toBe(1);
    expect(`${await connecting()}`).toBe("[object EventSource]");
    expect(() => EventSource.prototype.readyState).toThrow(TypeError);
    expect(() => Reflect.apply(EventSource.prototype.close, {}, [])).toThrow(TypeError);
    expect(() => Reflect.apply(EventSource, undefined, ["http://127.0.0.1"])).toThrow(TypeError);
  });

  it("has a url, credentials and state that can only be read", async () => {
    const source = await connecting();
    for (const name of ["url", "withCredentials", "readyState"]) {
      expect(() => Object.assign(source, { [name]: 1 })).toThrow(TypeError);
    }
  });

  it("withCredentials is what the init dictionary says, taken as a boolean", async () => {
    const init = (withCredentials: unknown) => ({ withCredentials }) as EventSourceInit;
    expect((await connecting()).withCredentials).toBe(false);
    expect((await connecting({})).withCredentials).toBe(false);
    expect((await connecting({ withCredentials: true })).withCredentials).toBe(true);
    expect((await connecting(init(1))).withCredentials).toBe(true);
    expect((await connecting(init(null))).withCredentials).toBe(false);
    expect((await connecting(null as unknown as EventSourceInit)).withCredentials).toBe(false);
  });

  it("eventsource-constructor-url-bogus: throws a SyntaxError", () => {
    for (const url of ["http://this is invalid/", "http://[::1", "//", "relative", ""]) {
      expect(() => new EventSource(url), url).toThrow(expect.objectContaining({ name: "SyntaxError", code: 12 }));
      expect(() => new EventSource(url), url).toThrow(DOMException);
    }
  });

  it("eventsource-url, -constructor-stringify: the url is made a string, and that one absolute", async () => {
    const { url } = await scriptedServer({ "/a": () => {} });
    expect(closing(new EventSource(`${url}/a/../ä b?é#x`)).url).toBe(`${url}/%C3%A4%20b?%C3%A9#x`);
    expect(closing(new EventSource(new URL("/a", url))).url).toBe(`${url}/a`);
    expect(closing(new EventSource({ toString: () => `${url}/a` } as URL)).url).toBe(`${url}/a`);
    expect(() => new EventSource(Symbol() as unknown as string)).toThrow(TypeError);
  });

  it("throws where the headers are none that can be sent", () => {
    const broken = [{ "a b": "1" }, { a: "1\n2" }, { a: "…" }];
    for (const headers of broken) expect(() => new EventSource("http://127.0.0.1", { headers })).toThrow(TypeError);
  });

  it("has the types of the standard", () => {
    // A value of this type goes wherever the browser's own is asked for.
    expectTypeOf<EventSource>().toExtend<globalThis.EventSource>();
    expectTypeOf<typeof EventSource>().toExtend<
      new (
        url: string,
        init?: { withCredentials?: boolean },
      ) => EventSource
    >();
    const unused = (source: EventSource) => {
      source.onmessage = (event) => expectTypeOf(event).toEqualTypeOf<MessageEvent>();
      source.addEventListener("message", (event) => expectTypeOf(event).toEqualTypeOf<MessageEvent>());
      source.addEventListener("open", (event) => expectTypeOf(event).toEqualTypeOf<Event>());
      source.addEventListener("other", (event) => expectTypeOf(event.lastEventId).toBeString());
      source.addEventListener("other", { handleEvent: () => {} }, { once: true });
      source.removeEventListener("message", null);
      // @ts-expect-error it can only be read
      source.readyState = 2;
      // @ts-expect-error headers are texts
      new EventSource("", { headers: { a: 1 } });
      // @ts-expect-error there is no such option
      new EventSource("", { method: "POST" });
    };
    expectTypeOf(unused).toBeFunction();
  });
});

describe("its event handlers", () => {
  it("are null, a function or an object, and anything else is null", async () => {
    const source = await connecting();
    const object = {};
    for (const name of ["onopen", "onmessage", "onerror"] as const) {
      expect(source[name]).toBeNull();
      for (const [set, got] of [
        [object, object],
        [Date, Date],
        [1, null],
        ["x", null],
        [undefined, null],
      ] as const) {
        Object.assign(source, { [name]: set });
        expect(source[name]).toBe(got);
      }
      Object.assign(source, { [name]: object });
      source.dispatchEvent(new Event(name.slice(2)));
      source[name] = null;
    }
  });

  it("are called as the source, with the event, in the place of the listener that was set first", async () => {
    const source = await connecting();
    const calls: unknown[] = [];
    source.addEventListener("message", () => calls.push("first"));
    source.onmessage = () => calls.push("replaced");
    source.addEventListener("message", () => calls.push("third"));
    source.onmessage = function (event) {
      calls.push(this === source, event.data);
    };
    source.dispatchEvent(new MessageEvent("message", { data: "x" }));
    expect(calls.splice(0)).toEqual(["first", true, "x", "third"]);
    source.onmessage = null;
    source.dispatchEvent(new MessageEvent("message", { data: "x" }));
    expect(calls.splice(0)).toEqual(["first", "third"]);
    source.onmessage = () => calls.push("last");
    source.dispatchEvent(new MessageEvent("message", { data: "x" }));
    expect(calls.splice(0)).toEqual(["first", "third", "last"]);
  });

  it("prevent what can be prevented by returning false", async () => {
    const source = await connecting();
    source.onopen = () => false;
    source.onerror = () => undefined;
    const [open, error] = ["open", "error"].map((type) => new Event(type, { cancelable: true }));
    source.dispatchEvent(open as Event);
    source.dispatchEvent(error as Event);
    expect([open?.defaultPrevented, error?.defaultPrevented]).toEqual([true, false]);
  });

  it("belong to one source only", async () => {
    const [one, other] = [await connecting(), await connecting()];
    one.onopen = () => {};
    expect(other.onopen).toBeNull();
  });
});

describe("its events", () => {
  it("eventsource-onmessage: a message is a MessageEvent that neither bubbles nor can be prevented", async () => {
    const { url } = await scriptedServer({ "/": stream("id:7\ndata:x\n\n") });
    const source = closing(new EventSource(url));
    const event = await new Promise<MessageEvent>((resolve) => {
      source.onmessage = resolve;
    });
    expect(event).toBeInstanceOf(MessageEvent);
    expect(event).toMatchObject({ type: "message", data: "x", lastEventId: "7", origin: url, source: null });
    expect(event).toMatchObject({ bubbles: false, cancelable: false, target: source });
    expect(event.ports).toEqual([]);
  });

  it.each(["open", "error"] as const)("%s is a plain Event, and asynchronous", async (type) => {
    const { url } = await scriptedServer({ "/": type === "open" ? stream("") : (_, response) => response.end() });
    const source = closing(new EventSource(url));
    expect(source.readyState).toBe(0);
    const event = await new Promise<Event>((resolve) => {
      source[`on${type}`] = resolve;
    });
    expect(event).not.toBeInstanceOf(MessageEvent);
    expect(event).toMatchObject({ type, bubbles: false, cancelable: false, target: source });
    expect(event).not.toHaveProperty("data");
  });

  it("eventsource-eventtarget: go to listeners as with any EventTarget: once, by signal, as objects, removed", async () => {
    const { url } = await scriptedServer({ "/": stream("data:1\n\ndata:2\n\nevent:end\ndata\n\n") });
    const source = closing(new EventSource(url));
    const calls: string[] = [];
    const signal = AbortSignal.abort();
    const removed = () => calls.push("removed");
    source.addEventListener("message", ({ data }) => calls.push(`once ${data}`), { once: true });
    source.addEventListener("message", () => calls.push("aborted"), { signal });
    source.addEventListener("message", {
      handleEvent: (event: Event) => calls.push(`object ${(event as MessageEvent).data}`),
    });
    source.addEventListener("message", removed);
    source.removeEventListener("message", removed);
    await new Promise((resolve) => source.addEventListener("end", resolve));
    expect(calls).toEqual(["once 1", "object 1", "object 2"]);
  });
});

describe("in a Node program of its own", () => {
  /** What the program prints. `EventSource` and `url` are there. */
  async function run(url: string, program: string, entry = "index.ts"): Promise<string> {
    const folder = mkdtempSync(path.join(tmpdir(), "tailwire-eventsource-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, "program.mjs");
    const source = `${entry === "index.ts" ? "import { EventSource } from" : "import"} "src/eventsource/${entry}";
      const url = ${JSON.stringify(url)};
      const say = (text) => process.stdout.write(text + " ");
      ${program}`;
    await bundleTo(file, source);
    return await new Promise((resolve, reject) => {
      const child = execFile(process.execPath, ["--expose-gc", file], (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
      onTestFinished(() => {
        child.kill();
      });
    });
  }

  it("a listener that throws is reported, and does not stop the others", async () => {
    const { url } = await scriptedServer({ "/": stream("data:1\n\ndata:2\n\n") });
    const said = await run(
      url,
      `process.on("uncaughtException", (error) => say("reported " + error.message));
      const source = new EventSource(url);
      source.addEventListener("message", ({ data }) => { throw new Error(data) });
      source.onmessage = ({ data }) => { say("seen " + data); if (data === "2") source.close(); };`,
    );
    expect(said.split(" ").sort()).toEqual("seen 1 seen 2 reported 1 reported 2 ".split(" ").sort());
  });

  it("it keeps the program alive while it is open and while it waits to come back, and no longer", async () => {
    const { url } = await scriptedServer({
      "/": (_, response, count) => {
        if (count < 2) open(response).end("retry:20\ndata:x\n\n");
        else response.writeHead(204).end();
      },
    });
    const said = await run(
      url,
      `const source = new EventSource(url);
      for (const type of ["open", "message", "error"]) source.addEventListener(type, () => say(type + source.readyState));
      process.on("exit", () => say("exit"));`,
    );
    expect(said).toBe("open1 message1 error0 open1 message1 error0 error2 exit ");
  });

  it("closed while it waits, it lets the program end", async () => {
    const { url } = await scriptedServer({ "/": stream("retry:1000000\ndata:x\n\n") });
    const said = await run(
      url,
      `const source = new EventSource(url);
      source.onerror = () => { say("waits"); setTimeout(() => source.close(), 1); };`,
    );
    expect(said).toBe("waits ");
  });

  it("that nobody refers to goes on through garbage collections, and can be closed after them", async () => {
    const gone: Promise<unknown>[] = [];
    const { url } = await scriptedServer({
      "/": (request, response, count) => {
        gone.push(new Promise((resolve) => request.socket.once("close", resolve)));
        open(response).write(`retry:1\ndata:${count}\n\n`);
        if (count === 0) setImmediate(() => response.end());
      },
      "/next": (_, response) => response.end(),
    });
    const said = await run(
      url,
      `let close;
      (() => {
        const source = new EventSource(url);
        source.onmessage = async ({ data }) => {
          say(data);
          for (let count = 0; count < 5; count += 1) {
            await fetch(url + "/next");
            gc();
          }
          if (data === "1") close();
        };
        const held = new WeakRef(source);
        close = () => { held.deref().close(); say("closed"); };
      })();`,
    );
    expect(said).toBe("0 1 closed ");
    await Promise.all(gone);
  });

  it("tailwire/eventsource/global makes it the global one", async () => {
    const { url } = await scriptedServer({ "/": stream("data:x\n\n") });
    const said = await run(
      url,
      `say(Object.keys(globalThis).includes("EventSource"));
      const source = new EventSource(url);
      source.onmessage = ({ data }) => { say(data); source.close(); };
      const own = EventSource;
      globalThis.EventSource = 1;
      globalThis.EventSource = own;`,
      "global.ts",
    );
    expect(said).toBe("false x ");
  });

  it("tailwire/eventsource/global leaves a native one where it is", async () => {
    const { url } = await scriptedServer();
    const program = `globalThis.EventSource = function Native() {}; await import("src/eventsource/global.ts"); say(EventSource.name);`;
    expect(await run(url, program, "read.ts")).toBe("Native ");
  });
});
