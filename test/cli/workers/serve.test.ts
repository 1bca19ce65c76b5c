/** `tailwire serve --workers`, as real processes. */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../../src/testing/waiting.ts";
import { MAIN, Program, serve, tailwire } from "../programs.ts";

/** Ends each worker at its begin; the primary has no such variable. */
const ENDS = { NODE_OPTIONS: '--import "data:text/javascript,process.env.TAILWIRE_IS_WORKER&&process.exit(7)"' };

describe("tailwire serve --workers", () => {
  it("prints once where it listens, when all workers are ready, and all of them serve", async () => {
    const { server, url } = await serve("--workers", "3", "--path", "/push");
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+\/push$/);
    expect(workersOf(server)).toHaveLength(3);
    for (let n = 0; n < 6; n += 1) {
      const answer = await fetch(`${url}/healthz`, { headers: { Connection: "close" } });
      expect(await answer.json()).toEqual({ status: "ok" });
    }
    const { code, stdout, stderr } = await server.kill("SIGTERM");
    expect([code, stdout, stderr]).toEqual([0, `tailwire listening on ${url}\n`, ""]);
  });

  it("is one server at whichever worker: publish, HEAD, poll, keys and purge", async () => {
    const { url } = await serve("--workers", "2");
    const at = async (method: string, query = "", body?: string, headers = {}) => {
      const init = { method, headers: { Connection: "close", ...headers }, ...(body === undefined ? {} : { body }) };
      return fetch(`${url}/channels/chat${query}`, init); // each on a connection of its own, so at the next worker
    };
    const ids: string[] = [];
    for (const body of ["a", "b", "c"]) ids.push(((await (await at("POST", "", body)).json()) as { id: string }).id);
    const once = { "Idempotency-Key": "k" };
    for (let n = 0; n < 2; n += 1) ids.push(((await (await at("POST", "", "d", once)).json()) as { id: string }).id);
    const epoch = ids[0]?.split(":")[0];
    expect(ids).toEqual([1, 2, 3, 4, 4].map((offset) => `${epoch}:${offset}`));
    for (let n = 0; n < 2; n += 1) {
      expect((await at("HEAD")).headers.get("tailwire-cursor")).toBe(`${epoch}:4`);
      const { events } = (await (await at("GET", `?wait=0&from=${epoch}:1`)).json()) as { events: { data: string }[] };
      expect(events.map(({ data }) => data)).toEqual(["b", "c", "d"]);
    }
    expect((await at("DELETE")).status).toBe(204);
    for (let n = 0; n < 2; n += 1) {
      const body = await (await at("GET", `?wait=0&from=${epoch}:4`)).json();
      expect(body).toMatchObject({ events: [{ type: "$gap", reason: "epoch" }] });
    }
  });

  it.each(["to the primary", "to the whole group, as Ctrl-C"])("ends in order with a signal %s", async (to) => {
    const server = new Program(process.execPath, [MAIN, "serve", "--port=0", "--workers=2"], {}, { detached: true });
    const [, url] = await server.prints(/on (\S+)\n/);
    const streams = await Promise.all([1, 2].map(() => openStream(`${url}/channels/chat`)));
    const polls = await Promise.all([1, 2].map(() => beginPoll(`${url}/channels/other?wait=60&from=earliest`)));
    await fetch(`${url}/channels/chat`, { method: "POST", body: "x" });
    for (const stream of streams) expect(await stream.next()).toContain('"data":"x"');
    const pid = server.process.pid ?? 0;
    process.kill(to === "to the primary" ? pid : -pid, "SIGINT");
    for (const stream of streams) {
      expect(await stream.next()).toMatch(/"type":"\$close","code":1012,.*"reconnectMs":\d+/);
      expect(await stream.next()).toBeUndefined();
    }
    // One that had not begun to wait yet is refused.
    for (const { answer } of polls) expect(await answer).toMatch(/"events":\[\]|"shutting_down"/);
    expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("ends after the drain also where a client hangs on, a doubled signal is one, and a worker is stopped", async () => {
    const { server, url } = await serve("--workers", "2", "--drain-ms=50");
    const sockets = await Promise.all([1, 2].map(() => begunRequest(url)));
    const [stopped = 0] = workersOf(server);
    process.kill(stopped, "SIGSTOP");
    server.process.kill("SIGINT");
    server.process.kill("SIGINT");
    expect(await server.ended).toMatchObject({ code: 0 });
    await eventually("the stopped one has ended", () => !isAlive(stopped));
    for (const socket of sockets) socket.destroy();
  });

  it("ends in order also where its workers end by themselves while they drain", async () => {
    const { server, url } = await serve("--workers", "2", "--drain-ms=1000000");
    const workers = workersOf(server);
    const sockets = await Promise.all([1, 2].map(() => begunRequest(url)));
    server.process.kill("SIGTERM");
    await eventually("it is not ready", async () => (await fetch(`${url}/readyz`)).status === 503);
    for (const pid of workers) process.kill(pid, "SIGKILL");
    expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
    for (const socket of sockets) socket.destroy();
  });

  it("keeps the logs that were handed over where no worker gets ready to serve them", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "tailwire-workers-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const snapshot = `--snapshot=${path.join(folder, "logs")}`;
    const first = await serve(snapshot);
    await fetch(`${first.url}/channels/x`, { method: "POST", body: "kept" });
    await first.server.kill("SIGTERM");
    expect(await tailwire(["serve", "--port=0", "--workers=2", snapshot], ENDS).ended).toMatchObject({ code: 1 });
    const { url } = await serve("--workers=2", snapshot);
    const body = await (await fetch(`${url}/channels/x?wait=0&from=earliest`)).json();
    expect(body).toMatchObject({ events: [{ data: "kept" }] });
  });

  it("takes its workers with it when it is killed", async () => {
    const { server } = await serve("--workers", "2");
    const workers = workersOf(server);
    await server.kill("SIGKILL");
    await eventually("the workers have ended", () => !workers.some(isAlive));
  });

  it("replaces a worker that ends, and says so", async () => {
    const { server, url } = await serve("--workers", "2");
    const before = workersOf(server);
    process.kill(before[0] ?? 0, "SIGKILL");
    await server.prints(/^tailwire: a worker has ended \(SIGKILL\); another takes its place\n$/, "stderr");
    await eventually("there are two again", () => workersOf(server).length === 2);
    expect(workersOf(server)).toContain(before[1]);
    for (let n = 0; n < 4; n += 1) {
      expect((await fetch(`${url}/healthz`, { headers: { Connection: "close" } })).status).toBe(200);
    }
  });

  it("answers those who come while its workers end, once there are others", async () => {
    const { server, url } = await serve("--workers", "2");
    const workers = workersOf(server);
    // One that was stopped is handed connections, and does not confirm them.
    for (const pid of workers) process.kill(pid, "SIGSTOP");
    const answers = [1, 2, 3, 4, 5].map(() => beginPoll(`${url}/channels/x?wait=0`, "close"));
    await Promise.all(answers);
    for (const pid of workers) process.kill(pid, "SIGKILL");
    for (const { answer } of await Promise.all(answers)) expect(await answer).toContain('"events":[]');
  });

  it("gives up where its workers end again and again", async () => {
    const { server } = await serve("--workers", "9");
    let ended: readonly number[] = [];
    for (let round = 1; round <= 2; round += 1) {
      const before = ended;
      await eventually(
        "there are nine others",
        () => workersOf(server).length === 9 && !shared(before, workersOf(server)),
      );
      ended = workersOf(server);
      for (const pid of ended) process.kill(pid, "SIGKILL");
    }
    const { code, stderr } = await server.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/\ntailwire: workers end again and again, the last one by SIGKILL\n$/);
  });

  it("ends where a worker does not get ready", async () => {
    const { code, stdout, stderr } = await tailwire(["serve", "--port=0", "--workers=2"], ENDS).ended;
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe("tailwire: a worker ended before it was ready (exit code 7)\n");
  });

  it("says in one line that a port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await tailwire(["serve", "--port", String(port), "--workers=2"]).ended;
    other.close();
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(`tailwire: port ${port} of 127.0.0.1 is in use; --port 0 picks a free one\n`);
  });

  it.each<[string[], Record<string, string>, RegExp]>([
    [["--workers", "0"], {}, /whole number from 1 to 1024/],
    [[], { TAILWIRE_WORKERS: "x" }, /value 'x' from env 'TAILWIRE_WORKERS' is invalid/],
    [["--workers=2", "--allow-origin", "*"], {}, /"\*" is no origin/],
    [["--workers=2"], { TAILWIRE_NO_PAGES: "maybe" }, /TAILWIRE_NO_PAGES is 1 or 0/],
  ])("refuses %j %j with one line and code 2", async (args, env, why) => {
    const { code, stdout, stderr } = await tailwire(["serve", "--port=0", ...args], env).ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(/^tailwire: .*\n$/);
  });

  it("has the pages, and one in the lab's place", async () => {
    const { url } = await serve("--workers", "2");
    expect(await (await fetch(`${url}/`)).text()).toContain("<h1>Tailwire</h1>");
    expect(await (await fetch(`${url}/lab`)).text()).toContain("without <code>--workers</code>");
    expect((await fetch(`${url}/lab/exchanges`)).status).toBe(404);
  });
});

/** The process ids of a primary's workers. */
function workersOf(server: Program): readonly number[] {
  return processes().flatMap(({ pid, parent }) => (parent === server.process.pid ? [pid] : []));
}

function isAlive(pid: number): boolean {
  return processes().some((each) => each.pid === pid);
}

/** Those that have not ended. */
function processes(): readonly { readonly pid: number; readonly parent: number }[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="]).toString().trim().split("\n");
  const read = rows.map((row) => row.trim().split(/\s+/));
  return read.flatMap(([pid, parent, state]) =>
    state?.startsWith("Z") ? [] : [{ pid: Number(pid), parent: Number(parent) }],
  );
}

function shared(some: readonly number[], others: readonly number[]): boolean {
  return some.some((each) => others.includes(each));
}

/** An endless answer, piece by piece, behind its `$open`. */
async function openStream(url: string): Promise<{ next(): Promise<string | undefined> }> {
  const reader = (await fetch(url)).body?.pipeThrough(new TextDecoderStream()).getReader();
  const next = async () => (await reader?.read())?.value;
  expect(await next()).toContain('"$open"');
  return { next };
}

/** Settles once the request is out; gives its answer to come. */
async function beginPoll(url: string, connection = "keep-alive"): Promise<{ readonly answer: Promise<string> }> {
  const { host, hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  let text = "";
  socket.on("data", (part: string) => {
    text += part;
  });
  const answer = once(socket, "close").then(() => text);
  socket.write(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: ${connection}\r\n\r\n`,
  );
  await once(socket, "connect");
  return { answer };
}

/** A publish whose body does not come. */
async function begunRequest(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on("error", () => {});
  socket.write("POST /channels/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  await once(socket, "connect");
  await fetch(`${url}/healthz`);
  return socket;
}
