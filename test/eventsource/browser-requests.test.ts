/** Answers, redirects, other origins and long streams in real Chromium, beside its own EventSource. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realPart } from "../e2e/real-parts.ts";
import { bundleScript } from "./bundle.ts";
import { launch, servePage, type TestPage, TIMEOUT_MS, testPage } from "./chromium.ts";
import type { PageGlobals, PageOrder } from "./page.ts";
import { END, open, type Script, type ScriptedServer, scriptedServer, stream } from "./scripted-server.ts";

const program = realPart("chromium");

const streams =
  (...bodies: readonly string[]): Script =>
  (_, response, count) => {
    open(response).end(`${count === 0 ? "retry:1\n" : ""}${bodies[count] ?? END}`);
  };

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Script =>
  (_, response) => {
    response.writeHead(code, { "Content-Type": "text/event-stream", ...headers }).end();
  };

const destroy: Script = (request) => request.socket.destroy();

/** Opens with the first, so that it comes back at once, and goes on with the others. */
const oneByOne =
  (...scripts: readonly Script[]): Script =>
  (request, response, count) =>
    (scripts[count] ?? stream(END))(request, response, count);

/** What all three do alike. */
const ALIKE: readonly (readonly [name: string, script: Script, lines: readonly string[]])[] = [
  ...[204, 205, 210, 299, 404, 410, 503].map(
    (code) => [`request-status-error: ${code} fails`, status(code), ["error 2"]] as const,
  ),
  ...["text/x-bogus", "x bogus", "text/plain", "text/event-stream, text/html"].map(
    (type) => [`format-mime-bogus: ${type} fails`, stream(END, { "Content-Type": type }), ["error 2"]] as const,
  ),
  ...["text/event-stream;", "Text/Event-Stream; charset=utf-8", "text/html, text/event-stream"].map(
    (type) => [`format-mime: ${type} opens`, stream(END, { "Content-Type": type }), ["open 1", "end"]] as const,
  ),
  ["204 ends it", oneByOne(streams("data:x\n\n"), status(204)), ["open 1", "message x", "error 0", "error 2"]],
  [
    "eventsource-reconnect: comes back after an end",
    streams("data:1\n\n", "data:2\n\n"),
    ["open 1", "message 1", "error 0", "open 1", "message 2", "error 0", "open 1", "end"],
  ],
  [
    // The connection is a new one: what breaks on an old one the browser asks for again by itself.
    "comes back after a network error in place of an answer",
    oneByOne(stream("retry:1\ndata:1\n\n", { Connection: "close" }), destroy),
    ["open 1", "message 1", "error 0", "error 0", "open 1", "end"],
  ],
  [
    "format-field-id, -id-2: last ids in UTF-8, kept and emptied",
    echoIds("id:…ü\ndata:0\n\n", "data:1\n\n", "id\ndata:2\n\n", ""),
    [
      ...["open 1", "message undefined", "message 0 …ü", "error 0"],
      ...["open 1", "message …ü …ü", "message 1 …ü", "error 0"],
      ...["open 1", "message …ü …ü", "message 2", "error 0"],
      ...["open 1", "message undefined", "error 0", "open 1", "end"],
    ],
  ],
  [
    "format-data-before-final-empty-line",
    streams("data:whole\n\nid:1\ndata:half\n"),
    ["open 1", "message whole", "error 0", "open 1", "end"],
  ],
  [
    "format-field-retry: bogus ones change nothing",
    streams("retry:1x\nretry:\nretry\ndata:x\n\n"),
    ["open 1", "message x", "error 0", "open 1", "end"],
  ],
  ["an empty stream", streams(""), ["open 1", "error 0", "open 1", "end"]],
];

describe.skipIf(program.missing)("in real Chromium", { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch(program);
  });

  afterAll(() => browser?.close());

  it("the browser's own, ours over XMLHttpRequest and ours over fetch do alike", async () => {
    const { server, run } = await testPage(browser);
    for (const [index, [name, script, lines]] of ALIKE.entries()) {
      for (const [reader, place, native] of [
        ["the browser's own", "a page", true],
        ["ours over XMLHttpRequest", "a page", false],
        ["ours over fetch", "a service worker", false],
      ] as const) {
        const url = `/${index}/${reader.replace(/\W/g, "")}`;
        server.on(url, script);
        expect((await run(place, { url, native })).map(short), `${name}: ${reader}`).toEqual(lines);
      }
    }
  });

  it.each([301, 302, 303, 307, 308])("request-redirect: %i, to the same origin and to another", async (code) => {
    const { server, run } = await testPage(browser);
    const other = await scriptedServer({ "/": shared(streams("data:x\n\n")) });
    server.on("/target", stream(END));
    server.on("/same", status(code, { Location: "/target" }));
    server.on("/other", status(code, { Location: `${other.url}/`, "Access-Control-Allow-Origin": "*" }));
    for (const native of [true, false]) {
      expect(await run("a page", { url: "/same", native })).toEqual(["open 1", `end 1 "" id= ${server.url}`]);
    }
    other.on("/", shared(stream(END)));
    expect(await run("a page", { url: "/other", native: true })).toEqual(["open 1", `end 1 "" id= ${other.url}`]);
    expect(await run("a service worker", { url: "/other" })).toEqual(["open 1", `end 1 "" id= ${other.url}`]);
    // With XMLHttpRequest the other origin has to allow the header that passes by caches.
    other.on("/", shared(stream(END), "cache-control"));
    expect(await run("a page", { url: "/other" })).toEqual(["open 1", `end 1 "" id= ${other.url}`]);
  });

  it("a charset is passed over, as the standard says and Chromium's own does not", async () => {
    const { server, run } = await testPage(browser);
    server.on("/", stream(`data:ü…\n\n${END}`, { "Content-Type": "text/event-stream;charset=windows-1252" }));
    const lines = ["open 1", `message 1 "ü…" id= ${server.url}`, `end 1 "" id= ${server.url}`];
    for (const place of ["a page", "a service worker"] as const) expect(await run(place, { url: "/" })).toEqual(lines);
    expect(await run("a page", { url: "/", native: true })).toEqual(["error 2"]);
  });

  it("request-accept, request-cache-control: asks as the browser's own does", async () => {
    const { server, run } = await testPage(browser);
    for (const [path, place, native] of [
      ["/native", "a page", true],
      ["/xhr", "a page", false],
      ["/fetch", "a service worker", false],
    ] as const) {
      server.on(path, stream(END));
      await run(place, { url: path, native });
      expect(server.requests(path)[0], path).toMatchObject({
        method: "GET",
        headers: { accept: "text/event-stream", "cache-control": "no-cache", "sec-fetch-mode": "cors" },
      });
    }
  });

  it("its own headers are sent, and replaced by none of the browser's", async () => {
    const { server, run } = await testPage(browser);
    const headers = { Authorization: "Bearer secret", Accept: "text/event-stream, */*", "last-Event-ID": "0" };
    for (const place of ["a page", "a service worker"] as const) {
      const url = `/${place.replace(/ /g, "-")}`;
      server.on(url, streams("id:1\ndata\n\n"));
      await run(place, { url, init: { headers } });
      const sent = server
        .requests(url)
        .map(({ headers: all }) => [all.authorization, all.accept, all["last-event-id"]]);
      expect(sent).toEqual(["0", "1"].map((id) => ["Bearer secret", "text/event-stream, */*", id]));
    }
  });

  it("comes back after a 5xx where that is wanted", async () => {
    const { server, run } = await testPage(browser);
    for (const place of ["a page", "a service worker"] as const) {
      const url = `/${place.replace(/ /g, "-")}`;
      server.on(url, oneByOne(streams("data:1\n\n"), status(503), status(500)));
      const lines = await run(place, { url, init: { reconnectOnServerError: true } });
      expect(lines.map(short)).toEqual([...["open 1", "message 1", "error 0", "error 0", "error 0", "open 1", "end"]]);
    }
  });

  describe("another origin", () => {
    async function twoOrigins(script: Script): Promise<TestPage & { readonly other: ScriptedServer }> {
      return { ...(await testPage(browser)), other: await scriptedServer({ "/": script }) };
    }

    it("eventsource-cross-origin: one that allows it is read, and is the origin of the events", async () => {
      const { run, other } = await twoOrigins(shared(stream(END)));
      for (const [place, native] of READERS) {
        expect(await run(place, { url: `${other.url}/`, native })).toEqual(["open 1", `end 1 "" id= ${other.url}`]);
      }
      expect(other.requests("/").map(({ method }) => method)).toEqual(["GET", "GET", "GET"]);
    });

    it("request-credentials: cookies go there only withCredentials", async () => {
      const { run, other, page } = await twoOrigins(
        shared((request, response) => open(response).end(`data:${request.headers.cookie}\n\n${END}`)),
      );
      await page.evaluate(() => {
        // biome-ignore lint/suspicious/noDocumentCookie: that is what cookies are set with everywhere
        document.cookie = "who=me";
      });
      for (const [place, native] of READERS) {
        for (const withCredentials of [false, true]) {
          const lines = await run(place, { url: `${other.url}/`, native, init: { withCredentials } });
          expect(short(lines[1])).toBe(withCredentials ? "message who=me" : "message undefined");
        }
      }
    });

    it("that does not allow it: the browser's own knows and gives up, ours cannot tell, and tries again", async () => {
      const { run, other } = await twoOrigins(stream(END));
      const order = { url: `${other.url}/`, entries: 1 };
      expect(await run("a page", { ...order, native: true })).toEqual(["error 2"]);
      for (const place of ["a page", "a service worker"] as const) expect(await run(place, order)).toEqual(["error 0"]);
    });

    it("eventsource-cross-origin-preflight: is asked for its consent to Last-Event-ID, but by the browser's own", async () => {
      const { run, other } = await twoOrigins(shared(streams("id:1\ndata:x\n\n"), "last-event-id"));
      for (const [place, native] of READERS) {
        const url = `/${native}${place.length}`;
        other.on(url, shared(streams("id:1\ndata:x\n\n"), "last-event-id"));
        const lines = await run(place, { url: other.url + url, native });
        expect(lines.map(short)).toEqual(["open 1", "message x 1", "error 0", "open 1", "end 1"]);
        const sent = other.requests(url).map(({ method, headers }) => `${method} ${headers["last-event-id"]}`);
        const preflight = native ? [] : ["OPTIONS undefined"];
        expect(sent).toEqual(["GET undefined", ...preflight, "GET 1"]);
      }
    });
  });

  describe("a page", () => {
    it("eventsource-url: a URL is relative to the page's base", async () => {
      const { page, server } = await testPage(browser);
      await servePage(server, '<base href="/deep/er/">');
      await page.reload();
      const urls = await page.evaluate(() => {
        const { OwnEventSource } = globalThis as unknown as PageGlobals;
        return [EventSource, OwnEventSource].map((Source) =>
          ["x", "/y?é", "", "//other/z", null, undefined, 1].map((given) => {
            const source = new Source(given as string);
            source.close();
            return source.url;
          }),
        );
      });
      expect(urls[1]).toEqual(urls[0]);
      expect(urls[1]?.[0]).toBe(`${server.url}/deep/er/x`);
    });

    it("eventsource-constructor-non-same-origin: what is no HTTP fails for good", async () => {
      const { run } = await testPage(browser);
      for (const url of ["mailto:who@example.com", "about:blank", "javascript:alert(1)", "ftp://127.0.0.1/x"]) {
        for (const [place, native] of READERS) expect(await run(place, { url, native }), url).toEqual(["error 2"]);
      }
    });

    it("a data: URL is a stream", async () => {
      const { run } = await testPage(browser);
      const url = `data:text/event-stream,${encodeURIComponent(`data:x\n\n${END}`)}`;
      for (const [place, native] of READERS) {
        const lines = ["open 1", 'message 1 "x" id= null', 'end 1 "" id= null'];
        expect(await run(place, { url, native })).toEqual(lines);
      }
    });

    it("eventsource-request-cancellation: that is stopped ends it for good", async () => {
      const { page, server } = await testPage(browser);
      for (const native of [true, false]) {
        for (const isAnswered of [false, true]) {
          server.on("/", (_, response) => isAnswered && open(response).write(":\n"));
          const state = await page.evaluate(
            ([isNative, untilOpen]) =>
              new Promise((resolve) => {
                const { OwnEventSource } = globalThis as unknown as PageGlobals;
                const source = new (isNative ? EventSource : OwnEventSource)("/");
                source.onerror = () => resolve(source.readyState);
                if (untilOpen) source.onopen = () => setTimeout(stop);
                else setTimeout(stop);
              }),
            [native, isAnswered] as const,
          );
          expect(state).toBe(2);
        }
      }
    });

    it("has an interface that looks like the browser's own", async () => {
      const { page } = await testPage(browser);
      const looks = await page.evaluate(() => {
        const { OwnEventSource } = globalThis as unknown as PageGlobals;
        return [EventSource, OwnEventSource].map((Source) => {
          const source = new Source("/");
          source.close();
          const inherited: string[] = [];
          for (const name in source) inherited.push(name);
          const refused = ["http://this is invalid/", "http://:"].map((url) => {
            try {
              return new Source(url).url;
            } catch (error) {
              return `${(error as Error).constructor.name} ${(error as Error).name}`;
            }
          });
          const { prototype } = Source;
          return {
            inherited: inherited.sort(),
            own: Object.keys(source),
            statics: Object.keys(Source),
            length: Source.length,
            tag: String(source),
            isTarget: source instanceof EventTarget,
            handlers: [source.onopen, source.onmessage, source.onerror],
            constants: Object.getOwnPropertyDescriptors({ ...Source }),
            fixed: ["OPEN", "CLOSED", "CONNECTING"].map((name) => Object.getOwnPropertyDescriptor(prototype, name)),
            accessors: ["url", "readyState", "withCredentials", "onopen"].map((name) => {
              const { get, set, ...rest } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
              return { ...rest, get: typeof get, set: typeof set };
            }),
            close: typeof Object.getOwnPropertyDescriptor(prototype, "close")?.value,
            refused,
          };
        });
      });
      expect(looks[1]).toEqual(looks[0]);
    });

    it("tailwire/eventsource/global leaves the browser's own there", async () => {
      const { page } = await testPage(browser);
      expect(await page.evaluate(() => String(EventSource))).toContain("native code");
    });
  });

  describe("a long stream over XMLHttpRequest", () => {
    const DATA = "x".repeat(900);
    const COUNT = 6_000;

    /** How far ahead of the page the server is: a busy browser would hand on all of it at once. */
    const AHEAD = 500;
    let allowed = AHEAD;
    let wake = () => {};

    /** All that follows the last id, not too far ahead of the page. */
    const log: Script = (request, response) => {
      open(response);
      let id = Number(request.headers["last-event-id"] ?? 0);
      wake = () => {
        while (id < Math.min(COUNT, allowed)) response.write(`id:${++id}\ndata:${id} ${DATA}ü\n\n`);
        if (id === COUNT) response.end(END);
      };
      wake();
    };

    const seen: Script = (_, response) => {
      allowed += AHEAD / 2;
      response.writeHead(204).end();
      wake();
    };

    it("comes in parts that keep maxResponseBytes, and nothing is lost or doubled, or noticed", async () => {
      const { page, server } = await testPage(browser);
      server.on("/", log);
      server.on("/seen", seen);
      const told = await page.evaluate(async () => {
        const { OwnEventSource } = globalThis as unknown as PageGlobals;
        let longest = 0;
        const Native = XMLHttpRequest;
        globalThis.XMLHttpRequest = class extends Native {
          constructor() {
            super();
            this.addEventListener("readystatechange", () => {
              longest = Math.max(longest, this.responseText.length);
            });
          }
        };
        const source = new OwnEventSource("/");
        const ids: number[] = [];
        const others: string[] = [];
        source.onopen = () => others.push("open");
        source.onerror = () => others.push("error");
        source.onmessage = ({ data }) => {
          if (ids.push(Number.parseInt(data, 10)) % 250 === 0) void fetch("/seen");
        };
        await new Promise((resolve) => source.addEventListener("end", resolve));
        source.close();
        return { ids, others, longest };
      });
      expect(told.ids).toEqual(Array.from({ length: COUNT }, (_, at) => at + 1));
      expect(told.others).toEqual(["open"]);
      // What came at once with the event that crossed the line is read too.
      expect(told.longest).toBeLessThan(3 * 1024 * 1024);
      const total = COUNT * (DATA.length + 20);
      expect(server.requests("/").length).toBeGreaterThanOrEqual(total / told.longest);
    });

    it("stays open while it connects anew, and can fail then", async () => {
      const { page, server } = await testPage(browser);
      let refuse: () => void = () => {};
      const asked = new Promise<void>((resolve) => {
        server.on("/", (_, response, count) => {
          if (count === 0) return open(response).write(`id:1\ndata:${DATA}\n\n`);
          refuse = () => response.writeHead(404).end();
          resolve();
        });
      });
      const source = await page.evaluateHandle(() => {
        const { OwnEventSource } = globalThis as unknown as PageGlobals;
        return new OwnEventSource("/", { maxResponseBytes: 500 });
      });
      await asked;
      expect(await source.evaluate(({ readyState }) => readyState)).toBe(1);
      const error = source.evaluate(
        (each) =>
          new Promise((resolve) => {
            each.onerror = () => resolve(each.readyState);
          }),
      );
      await page.evaluate(() => {}); // the handler is set
      refuse();
      expect(await error).toBe(2);
    });

    it("without ids is as if it had been lost: with an error, and after a while from the beginning", async () => {
      const { server, run } = await testPage(browser);
      server.on("/", (_, response, count) => {
        open(response).write(count === 0 ? `retry:1\ndata:${DATA}\n\n` : END);
      });
      const lines = await run("a page", { url: "/", init: { maxResponseBytes: 500 } });
      expect(lines.map((each) => each.split(" ", 2).join(" "))).toEqual([
        "open 1",
        "message 1",
        "error 0",
        "open 1",
        "end 1",
      ]);
    });

    it("over fetch is read in one", async () => {
      const { server, run } = await testPage(browser);
      allowed = COUNT;
      server.on("/", log);
      expect(await run("a service worker", { url: "/" })).toHaveLength(COUNT + 2);
      expect(server.requests("/")).toHaveLength(1);
    });
  });

  it("in a page without EventSource, tailwire/eventsource/global makes one", async () => {
    const { page, server } = await testPage(browser);
    const script = await bundleScript('import "src/eventsource/global.ts"');
    server.on("/global.js", (_, response) =>
      response.writeHead(200, { "Content-Type": "text/javascript" }).end(script),
    );
    server.on("/stream", stream("data:x\n\n"));
    server.on("/bare", (_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" });
      response.end("<!doctype html><script>delete globalThis.EventSource</script><script src=/global.js></script>");
    });
    await page.goto(`${server.url}/bare`);
    const data = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const source = new EventSource("/stream");
          source.onmessage = (event) => {
            source.close();
            resolve(`${event.data} ${String(EventSource).includes("native code")}`);
          };
        }),
    );
    expect(data).toBe("x false");
  });
});

const READERS = [
  ["a page", true],
  ["a page", false],
  ["a service worker", false],
] as const satisfies readonly (readonly [string, PageOrder["native"]])[];

/** With leave for other origins, also to send these headers. */
function shared(script: Script, headers = ""): Script {
  return (request: IncomingMessage, response: ServerResponse, count: number) => {
    response.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
    response.setHeader("Access-Control-Allow-Credentials", "true");
    response.setHeader("Access-Control-Allow-Headers", headers);
    if (request.method === "OPTIONS") return response.end();
    return script(request, response, count);
  };
}

/** Each stream begins with what Last-Event-ID was. */
function echoIds(...bodies: readonly string[]): Script {
  return (request, response, count) => {
    const id = Buffer.from(String(request.headers["last-event-id"]), "latin1").toString();
    const body = bodies[count];
    open(response).end(body === undefined ? END : `${count === 0 ? "retry:1\n" : ""}data:${id}\n\n${body}`);
  };
}

/** A recorded line without the origin, and of a message without its state. */
function short(line = ""): string {
  const [, type, state, data, id] = /^(\w+) (\d)(?: ("(?:[^"\\]|\\.)*") id=(.*) \S*)?$/.exec(line) ?? [];
  if (data === undefined) return `${type} ${state}`;
  return [type, JSON.parse(data), id].filter((part) => part !== "").join(" ");
}
