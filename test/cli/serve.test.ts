import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import * as client from "../../src/client/index.ts";
import { serve, tailwire } from "./programs.ts";

describe("tailwire serve", () => {
  it("prints where it listens, on a port of its own choice, and nothing else", async () => {
    const { server, url } = await serve();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${url}/`)).text()).toContain("<h1>Tailwire</h1>");
    const { code, stdout, stderr } = await server.kill("SIGTERM");
    expect([code, stdout, stderr]).toEqual([0, `tailwire listening on ${url}\n`, ""]);
  });

  it("serves under a base path", async () => {
    const { url } = await serve("--path", "push");
    expect(url).toMatch(/:\d+\/push$/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(url)).url).toBe(`${url}/`);
    expect((await fetch(new URL("/healthz", url))).status).toBe(404);
  });

  it.each([
    ["--no-pages", {}],
    ["--port=0", { TAILWIRE_NO_PAGES: "1" }],
  ])("leaves out the pages: %s %j", async (flag, env: Record<string, string>) => {
    const server = tailwire(["serve", "--port", "0", flag], env);
    const [, url] = await server.prints(/on (\S+)\n/);
    for (const place of ["", "chat", "pages/style.css"]) {
      const answer = await fetch(`${url}/${place}`);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("takes its options from the environment too, and an option before that; an empty one is none", async () => {
    const env = { TAILWIRE_PORT: "0", TAILWIRE_PATH: "/a", TAILWIRE_MAX_EVENTS: "2", TAILWIRE_FLUSH_MS: "" };
    const server = tailwire(["serve", "--path", "/b"], env);
    const [, url] = await server.prints(/on (\S+\/b)\n/);
    for (const data of "abc") await fetch(`${url}/channels/x`, { method: "POST", body: data });
    const body = await (await fetch(`${url}/channels/x?from=earliest&wait=0`)).json();
    expect(body).toMatchObject({ events: [{ data: "b" }, { data: "c" }] });
  });

  it.each<[string[], Record<string, string>]>([
    [["--legacy-transports", "--allow-origin", "https://a.example", "--allow-origin=http://b.example:8080"], {}],
    [[], { TAILWIRE_LEGACY_TRANSPORTS: "yes", TAILWIRE_ALLOW_ORIGIN: "https://a.example, http://b.example:8080" }],
  ])("serves scripts, and frames in the pages of origins that are named: %j %j", async (args, env) => {
    const server = tailwire(["serve", "--port", "0", ...args], env);
    const [, url] = await server.prints(/on (\S+)\n/);
    const get = async (query: string) => (await fetch(`${url}/channels/x?wait=0&${query}`)).status;
    expect(await get("callback=f")).toBe(200);
    for (const [origin, status] of [
      ["https://a.example", 200],
      ["http://b.example:8080", 200],
      [url, 200],
      ["https://c.example", 403],
    ]) {
      expect([origin, await get(`transport=iframe-poll&origin=${origin}`)]).toEqual([origin, status]);
    }
  });

  it("serves neither where it is not told to, and an option wins over the environment", async () => {
    const { url } = await serve("--allow-origin", "https://a.example");
    const answer = await fetch(`${url}/channels/x?callback=f`);
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: "transport_disabled" }]);
    const env = { TAILWIRE_LEGACY_TRANSPORTS: "1", TAILWIRE_ALLOW_ORIGIN: "https://a.example" };
    const server = tailwire(["serve", "--port=0", "--allow-origin=https://b.example", "--max-iframe-bytes=1"], env);
    const [, other] = await server.prints(/on (\S+)\n/);
    const page = `${other}/channels/x?transport=iframe&from=earliest&origin=`;
    expect((await fetch(`${page}https://a.example`)).status).toBe(403);
    await fetch(`${other}/channels/x`, { method: "POST", body: "hello" });
    expect(await (await fetch(`${page}https://b.example`)).text()).toContain('"code":1013'); // so it ended by itself
  });

  it.each<[string[], Record<string, string>, string | null]>([
    [["--compression"], {}, "gzip"],
    [[], { TAILWIRE_COMPRESSION: "on" }, "gzip"],
    [[], { TAILWIRE_COMPRESSION: "0" }, null],
    [[], {}, null],
  ])("compresses where it is told to: %j %j", async (args, env, coding) => {
    const server = tailwire(["serve", "--port", "0", ...args], env);
    const [, url] = await server.prints(/on (\S+)\n/);
    const answer = await fetch(`${url}/channels/x`);
    expect(answer.headers.get("content-encoding")).toBe(coding);
    await answer.body?.cancel();
  });

  it("warns where other machines can reach it", async () => {
    const server = tailwire(["serve", "--port", "0", "--host", "0.0.0.0", "--no-pages"]);
    await server.prints(/^tailwire listening on http:\/\/0\.0\.0\.0:\d+\n$/);
    const { stderr } = await server.kill("SIGTERM");
    expect(stderr).toBe(
      "tailwire: warning: 0.0.0.0 is open to other machines, and this version has no authorisation yet\n",
    );
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends with %s: streams are told, long polls are answered", async (signal) => {
    const { server, url } = await serve();
    const stream = await fetch(`${url}/channels/chat`);
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain('"$open"');
    // Asked before the publish, so it waits by the time that the event has come.
    const poll = fetch(`${url}/channels/other?wait=60&from=earliest`);
    await fetch(`${url}/channels/chat`, { method: "POST", body: "x" });
    expect((await reader?.read())?.value).toContain('"data":"x"');
    const ended = server.kill(signal);
    expect((await reader?.read())?.value).toMatch(/"type":"\$close","code":1012,.*"reconnectMs":\d+/);
    expect((await reader?.read())?.done).toBe(true);
    expect(await (await poll).json()).toMatchObject({ events: [] });
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("ends after the drain also where a client hangs on, and takes a doubled signal for one", async () => {
    const { server, url } = await serve("--drain-ms=50");
    const { port } = new URL(url);
    const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
    socket.write("POST /channels/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    await once(socket, "connect");
    await fetch(`${url}/healthz`);
    server.process.kill("SIGINT");
    server.process.kill("SIGINT");
    expect(await server.ended).toMatchObject({ code: 0 });
    socket.destroy();
  });

  it("says in one line that a port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await tailwire(["serve", "--port", String(port)]).ended;
    other.close();
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(`tailwire: port ${port} of 127.0.0.1 is in use; --port 0 picks a free one\n`);
  });

  it.each<[string[], Record<string, string>, RegExp]>([
    [["--port", "70000"], {}, /'--port <number>' argument '70000' is invalid/],
    [["--port", "x"], {}, /whole number from 0 to 65535/],
    [["--max-events", "0"], {}, /whole number of at least 1/],
    [["--heartbeat-ms", "99999999999"], {}, /from 1 to 2147483647/],
    [["--path", "/a b"], {}, /path of a URL/],
    [["--max-iframe-bytes", "0"], {}, /whole number of at least 1/],
    [["--drain-ms", "-1"], {}, /whole number from 0 to 2147483647/],
    [[], { TAILWIRE_DRAIN_MS: "10s" }, /value '10s' from env 'TAILWIRE_DRAIN_MS' is invalid/],
    [["--snapshot"], {}, /argument missing/],
    [["--snapshot", "/nowhere/at/all"], {}, /no snapshot can be written to \/nowhere\/at\/all: ENOENT/],
    [["--allow-origin", "https://app.example/"], {}, /"https:\/\/app.example\/" is no origin/],
    [["--allow-origin", "https://app.example", "--allow-origin", "*"], {}, /"\*" is no origin/],
    [["--allow-origin"], {}, /argument missing/],
    [["--host", "http://x"], {}, /host name or an IP address/],
    [["--host", "203.0.113.1", "--port", "0"], {}, /no name or address of this machine/],
    [["--prot", "1"], {}, /unknown option '--prot' \(Did you mean --port\?\)/],
    [["more"], {}, /too many arguments/],
    [[], { TAILWIRE_PORT: "x" }, /value 'x' from env 'TAILWIRE_PORT' is invalid/],
    [[], { TAILWIRE_NO_PAGES: "maybe" }, /TAILWIRE_NO_PAGES is 1 or 0/],
    [[], { TAILWIRE_LEGACY_TRANSPORTS: "maybe" }, /TAILWIRE_LEGACY_TRANSPORTS is 1 or 0/],
    [[], { TAILWIRE_COMPRESSION: "maybe" }, /TAILWIRE_COMPRESSION is 1 or 0/],
    [[], { TAILWIRE_ALLOW_ORIGIN: "null" }, /"null" is no origin/],
  ])("refuses %j %j with one line and code 2", async (args, env, why) => {
    const { code, stdout, stderr } = await tailwire(["serve", ...args], env).ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(/^tailwire: .*\n$/);
  });
});

describe("the client as one file", () => {
  it("is a script that makes the global tailwire", async () => {
    const { url } = await serve();
    const script = await (await fetch(`${url}/client.js`)).text();
    const global = runInNewContext(`${script}; tailwire`);
    expect(Object.keys(global)).toEqual(expect.arrayContaining(Object.keys(client)));
    expect(Object.keys(global)).toHaveLength(Object.keys(client).length);
  });

  it.each([[["--path=/"]], [["--path=/push", "--no-pages"]]])("may be loaded by any site: %j", async (args) => {
    const { url } = await serve(...args);
    const answer = await fetch(`${url}/client.js?v=1`);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "x-content-type-options": "nosniff",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      "cache-control": "public, max-age=300",
    });
    expect(await answer.text()).toMatch(/^\/\*! Tailwire \d+\.\d+\.\d+, MIT licence \*\/\n/);
    const etag = answer.headers.get("etag") ?? "";
    const again = await fetch(`${url}/client.js`, { headers: { "If-None-Match": etag } });
    expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
    const head = await fetch(`${url}/client.js`, { method: "HEAD" });
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, etag, ""]);
    const post = await fetch(`${url}/client.js`, { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("has no folder beside it where the pages are left out", async () => {
    const { url } = await serve("--path=/push", "--no-pages");
    for (const place of ["/push", "/push/", "/push/client", "/client.js"]) {
      const answer = await fetch(new URL(place, url), { redirect: "manual" });
      expect([place, answer.status]).toEqual([place, 404]);
    }
  });
});

describe("tailwire", () => {
  it.each([[[]], [["--help"]], [["help"]]])("shows help: %j", async (args: string[]) => {
    const { code, stdout, stderr } = await tailwire(args).ended;
    expect([code, stderr]).toEqual([0, ""]);
    for (const word of ["serve", "publish", "tail", "Examples:"]) expect(stdout).toContain(word);
  });

  it.each(["serve", "publish", "tail"])("shows the help of %s, with examples", async (name) => {
    const { code, stdout } = await tailwire([name, "--help"]).ended;
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: tailwire ${name}`);
    expect(stdout).toContain("Examples:\n  $ ");
  });

  it("tells its version", async () => {
    expect((await tailwire(["--version"]).ended).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("refuses a command that it does not have", async () => {
    expect(await tailwire(["srve"]).ended).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "tailwire: unknown command 'srve' (Did you mean serve?)\n",
    });
  });
});
