import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
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
    expect((await reader?.read())?.value).toMatch(/"type":"\$close","code":1001,.*"reconnectMs":\d+/);
    expect((await reader?.read())?.done).toBe(true);
    expect(await (await poll).json()).toMatchObject({ events: [] });
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("ends soon also where a client hangs on, and takes a doubled signal for one", async () => {
    const { server, url } = await serve();
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
    [["--host", "http://x"], {}, /host name or an IP address/],
    [["--host", "203.0.113.1", "--port", "0"], {}, /no name or address of this machine/],
    [["--prot", "1"], {}, /unknown option '--prot' \(Did you mean --port\?\)/],
    [["more"], {}, /too many arguments/],
    [[], { TAILWIRE_PORT: "x" }, /value 'x' from env 'TAILWIRE_PORT' is invalid/],
    [[], { TAILWIRE_NO_PAGES: "maybe" }, /TAILWIRE_NO_PAGES is 1 or 0/],
  ])("refuses %j %j with one line and code 2", async (args, env, why) => {
    const { code, stdout, stderr } = await tailwire(["serve", ...args], env).ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(/^tailwire: .*\n$/);
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
