import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { addLab } from "../../src/cli/lab.ts";
import { MAX_HEAD_BYTES } from "../../src/cli/lab-exchange.ts";
import { requestHead, shownHead } from "../../src/cli/lab-heads.ts";
import { EXPIRES_MS, LabMemory, type LabReport, MAX_LABS, MAX_OPEN } from "../../src/cli/lab-memory.ts";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { handshakeHeaders, RawWebSocket, rawWebSocket } from "../e2e/raw-websocket.ts";
import { type Served, serve } from "../e2e/serve.ts";
import { serve as serveCommand } from "./programs.ts";

const ID = "0123456789abcdef0123456789abcdef";
const OTHER_ID = "f".repeat(32);

describe("the transport lab's server", () => {
  it("tells a page the heads of its requests and answers as they were on the wire", async () => {
    const { port, report } = await withLab();
    const request = `GET /channels/x?wait=0&lab=${ID}.poll HTTP/1.1\r\nhOST: a\r\nX-Two: 1\r\nx-two: 2\r\nX-A: ü\r\n\r\n`;
    const connection = await rawConnection(port);
    connection.send(Buffer.from(request, "latin1"));
    const response = `${await connection.takeTo("\r\n\r\n")}\r\n\r\n`;
    const body = await bodyAfter(connection, response);
    const traffic = { received: request.length, sent: response.length + body };
    expect(await report("poll")).toEqual({
      requests: 1,
      ...traffic,
      newest: { n: expect.any(Number), open: false, request, response, ...traffic },
    });
  });

  it("counts each exchange of a connection by itself, with the body that came, and none of the others", async () => {
    const { port, report } = await withLab();
    const connection = await rawConnection(port);
    const bytes = countBytes(connection);
    connection.request("POST", "/channels/x", {}, "not the lab's");
    await connection.response();
    const before = bytes();
    connection.request("POST", `/channels/x?lab=${ID}.jsonp`, {}, "ä".repeat(1000));
    await connection.response();
    const first = bytes() - before;
    connection.request("GET", `/channels/x?wait=0&from=-1&lab=${ID}.poll`);
    await connection.response();
    connection.request("GET", `/channels/x?wait=0&lab=${ID}.poll`);
    const third = (await connection.response()).body.length;
    const posted = await report("jsonp");
    expect(posted).toMatchObject({ requests: 1, sent: first });
    expect(posted.received).toBe(posted.newest.request.length + 2000);
    const polled = await report("poll", ({ requests }) => requests === 2);
    expect(polled.sent).toBe(bytes() - before - first);
    expect(polled.newest.sent).toBe(polled.newest.response.length + third);
    expect(polled.newest.response).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nETag: "[\s\S]*\r\n\r\n$/);
  });

  it("counts an endless answer while it grows, and says when it is over", async () => {
    const { port, hub, report } = await withLab();
    const connection = await rawConnection(port);
    const bytes = countBytes(connection);
    connection.request("GET", `/channels/x?lab=${ID}.fetch`);
    await connection.head();
    await connection.message();
    for (const data of ["a", "bb".repeat(5000)]) {
      await hub.publish("x", data);
      await connection.message();
      expect(await report("fetch", isAnswered)).toMatchObject({ requests: 1, sent: bytes(), newest: { open: true } });
    }
    connection.reset();
    expect(await report("fetch")).toMatchObject({ requests: 1, sent: bytes() });
  });

  it("shows a WebSocket's handshake, and counts its frames in both directions", async () => {
    const { port, hub, report } = await withLab();
    const connection = await rawConnection(port);
    const bytes = countBytes(connection);
    const headers = { ...handshakeHeaders(), "Sec-WebSocket-Protocol": "tailwire.v1" };
    connection.request("GET", `/channels/x?lab=${ID}.websocket`, headers);
    const socket = new RawWebSocket(connection, await connection.head());
    await socket.message();
    await hub.publish("x", "hello");
    await socket.message();
    socket.send('{"op":"publish","ref":1,"channel":"other","data":1}');
    await socket.message();
    const { sent, received, newest } = await report("websocket", isAnswered);
    const { request, response } = newest;
    const key = /^Sec-WebSocket-Key: (\S+)\r$/m.exec(request)?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    expect(response).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\n$/);
    expect(response).toContain(`\r\nSec-WebSocket-Accept: ${accept}\r\n`);
    expect(sent).toBe(bytes());
    expect(received).toBe(request.length + 2 + 4 + 51);
    connection.end();
    expect((await report("websocket")).newest.open).toBe(false);
  });

  it("waits for its turn behind another answer of the connection", async () => {
    const { port, report } = await withLab();
    const connection = await rawConnection(port);
    connection.request("GET", "/channels/x?wait=0.05").request("GET", `/channels/x?wait=0&lab=${ID}.poll`);
    expect((await connection.response()).status).toBe(200);
    const second = await connection.response();
    const { sent, newest } = await report("poll");
    expect(newest.response).toContain(`Tailwire-Cursor: ${second.headers["tailwire-cursor"]}\r\n`);
    expect(sent).toBe(newest.response.length + second.body.length);
  });

  it("is told of the end of a connection on which a request still waits for its turn", async () => {
    const { port, report } = await withLab();
    const connection = await rawConnection(port);
    connection.request("GET", "/channels/x").request("GET", `/channels/x?wait=0&lab=${ID}.poll`);
    await connection.head();
    expect((await report("poll", ({ requests }) => requests === 1)).newest).toMatchObject({ open: true, sent: 0 });
    connection.reset();
    expect((await report("poll")).newest).toMatchObject({ response: "", sent: 0 });
  });

  it("tells what has changed since a version, and again only how many bytes there were", async () => {
    const { port, url, hub } = await withLab();
    const connection = await rawConnection(port);
    connection.request("GET", `/channels/x?lab=${ID}.fetch`);
    await connection.head();
    await connection.message();
    const first = await reportOf(url, ID);
    await hub.publish("x", "a");
    await connection.message();
    const second = await reportOf(url, ID, first.version);
    const { n, sent = 0, received } = first.panels.fetch?.newest ?? {};
    const traffic = { received, sent: expect.any(Number) };
    expect(second.panels).toEqual({ fetch: { requests: 1, ...traffic, newest: { n, open: true, ...traffic } } });
    expect(second.panels.fetch?.sent).toBeGreaterThan(sent);
    connection.end();
    await connection.rest();
  });

  it("keeps cookies, credentials and tokens to itself", async () => {
    const { port, report } = await withLab();
    const connection = await rawConnection(port);
    const headers = {
      Cookie: "session=cookie-secret",
      Authorization: "Bearer bearer-secret",
      "proxy-authorization": "Basic proxy-secret",
      Referer: "http://a/lab?x=1&token=referer-secret#f",
    };
    const query = `token=plain-secret&a=1&%74oken=coded-secret&lab=${ID}.poll&wait=0`;
    connection.request("GET", `/channels/x?${query}`, headers);
    await connection.response();
    const { newest } = await report("poll");
    expect(JSON.stringify(newest)).not.toContain("secret");
    expect(newest.request).toBe(
      `GET /channels/x?token=(left out)&a=1&%74oken=(left out)&lab=${ID}.poll&wait=0 HTTP/1.1\r\nHost: test\r\n` +
        "Cookie: (left out)\r\nAuthorization: (left out)\r\nproxy-authorization: (left out)\r\n" +
        "Referer: http://a/lab?x=1&token=(left out)#f\r\n\r\n",
    );
    const answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a=secret\r\nLocation: /?%zz=1&token=secret\r\n\r\n";
    expect(shownHead(answer, MAX_HEAD_BYTES)).toBe(
      "HTTP/1.1 200 OK\r\nSet-Cookie: (left out)\r\nLocation: /?%zz=1&token=(left out)\r\n\r\n",
    );
  });

  it("tells nobody who does not name the page's id", async () => {
    const { url } = await withLab();
    await fetch(`${url}/channels/x?wait=0&lab=${ID}.poll`);
    expect((await reportOf(url, OTHER_ID)).panels).toEqual({});
    for (const lab of ["", ID.slice(1), `${ID}0`, `${ID}.poll`, ID.toUpperCase(), "*"]) {
      const answer = await fetch(`${url}/lab/exchanges?lab=${lab}`);
      expect([lab, answer.status, await answer.json()]).toMatchObject([lab, 400, { code: "invalid_parameter" }]);
    }
  });

  it.each([
    ["POST", "exchanges", "GET"],
    ["GET", "cut", "PUT, DELETE"],
  ])("has no %s on %s", async (method, place, allowed) => {
    const answer = await fetch(`${(await withLab()).url}/lab/${place}?lab=${ID}.sse`, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allowed]);
    expect(await answer.json()).toMatchObject({ code: "method_not_allowed" });
  });

  it("cuts a panel's connections, and those that it opens, until it is let back; the others live", async () => {
    const { port, url, hub, report } = await withLab();
    const cut = (method: string) => fetch(`${url}/lab/cut?lab=${ID}.fetch`, { method });
    const stream = await rawConnection(port);
    stream.request("GET", `/channels/x?lab=${ID}.fetch`);
    await stream.head();
    const other = await rawWebSocket(port, `/channels/x?format=envelope&lab=${ID}.websocket`);
    await other.message();

    expect((await cut("PUT")).status).toBe(204);
    await stream.rest();
    const again = await rawConnection(port);
    expect(await again.request("GET", `/channels/x?lab=${ID}.fetch`).rest()).toBe("");
    expect((await report("fetch")).newest).toMatchObject({ response: "", sent: 0 });
    const socket = await rawConnection(port);
    const upgrade = { Connection: "Upgrade", Upgrade: "websocket" };
    expect(await socket.request("GET", `/channels/x?lab=${ID}.fetch`, upgrade).rest()).toBe("");
    await hub.publish("x", "still");
    expect(await other.message()).toMatchObject({ data: "still" });
    expect(await fetch(`${url}/channels/x?wait=0&lab=${OTHER_ID}.fetch`)).toMatchObject({ status: 200 });

    expect((await cut("DELETE")).status).toBe(204);
    expect(await fetch(`${url}/channels/x?wait=0&lab=${ID}.fetch`)).toMatchObject({ status: 200 });
    expect((await report("fetch")).requests).toBe(4);
    expect((await report("websocket", isAnswered)).requests).toBe(1);
  });

  it("looks at no other request, and stays the server's only listener", async () => {
    const sockets: IncomingMessage["socket"][] = [];
    const { url, server, memory } = await withLab("/", (req) => sockets.push(req.socket));
    for (const query of ["", "?lab=", `?lab=${ID}`, `?lab=${ID}.nothing`, `?labour=${ID}.poll`]) {
      await fetch(`${url}/channels/x?wait=0${query.replace("?", "&")}`);
      await fetch(`${url}/lab${query}`);
    }
    expect(memory.size).toBe(0);
    expect([server.listenerCount("request"), server.listenerCount("upgrade")]).toEqual([1, 1]);
    expect(sockets.map((socket) => Object.hasOwn(socket, "write"))).toEqual(sockets.map(() => false));
    expect(sockets.length).toBeGreaterThan(0);
  });

  it("serves under a base path", async () => {
    const { url, memory } = await withLab("/push/");
    await fetch(`${url}/push/channels/x?wait=0&lab=${ID}.poll`);
    expect((await reportOf(`${url}/push`, ID)).panels).toHaveProperty("poll");
    expect((await fetch(`${url}/lab/exchanges?lab=${ID}`)).status).toBe(404);
    expect(memory.size).toBe(1);
  });

  it("is not there with --no-pages", async () => {
    const { url } = await serveCommand("--no-pages");
    for (const place of ["lab", `lab/exchanges?lab=${ID}`, `lab/cut?lab=${ID}.sse`]) {
      expect((await fetch(`${url}/${place}`, { method: place.includes("cut") ? "PUT" : "GET" })).status).toBe(404);
    }
    expect((await fetch(`${url}/channels/x?wait=0&lab=${ID}.poll`)).status).toBe(200);
  });

  it("is there without it", async () => {
    const { url } = await serveCommand();
    await fetch(`${url}/channels/x?wait=0&lab=${ID}.poll`);
    expect((await reportOf(url, ID)).panels).toHaveProperty("poll");
    const policy = (await fetch(`${url}/lab`)).headers.get("content-security-policy");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-src 'self'");
    expect(policy).not.toContain("unsafe");
  });
});

describe("the lab's memory", () => {
  it("cuts a head that is too long, and counts it whole", async () => {
    const { port, report } = await withLab();
    const connection = await rawConnection(port);
    connection.request("GET", `/channels/x?wait=0&lab=${ID}.poll`, { "X-Long": "x".repeat(9000) });
    await connection.response();
    const { received, newest } = await report("poll");
    expect(newest.request).toHaveLength(MAX_HEAD_BYTES + 1);
    expect(received).toBeGreaterThan(9000);
  });

  it("watches no more than so many requests of a panel at once", () => {
    const memory = new LabMemory();
    for (let count = 0; count < MAX_OPEN; count += 1) beginOpen(memory, ID);
    expect(memory.begin({ id: ID, label: "websocket" }, request())).toBeUndefined();
    expect(memory.begin({ id: ID, label: "sse" }, request())).toBeDefined();
    expect(memory.report(ID, 0).panels.websocket?.requests).toBe(MAX_OPEN);
  });

  it("forgets the page that was silent for longest", () => {
    const memory = new LabMemory();
    const idOf = (count: number) => String(count).padStart(32, "0");
    for (let count = 0; count < MAX_LABS; count += 1) memory.begin({ id: idOf(count), label: "sse" }, request());
    memory.report(idOf(0), 0);
    memory.begin({ id: ID, label: "sse" }, request());
    expect(memory.size).toBe(MAX_LABS);
    expect(memory.report(idOf(0), 0).panels).toHaveProperty("sse");
    expect(memory.report(idOf(1), 0).panels).toEqual({});
  });

  it("forgets a page after a while, and what was cut with it, but not one that holds a connection", () => {
    let now = 1_000_000;
    const memory = new LabMemory(() => now);
    memory.cut({ id: ID, label: "poll" });
    beginOpen(memory, OTHER_ID);
    now += EXPIRES_MS - 1;
    memory.sweep();
    expect([memory.size, memory.isCut({ id: ID, label: "poll" })]).toEqual([2, true]);
    now += 1;
    memory.sweep();
    expect([memory.size, memory.isCut({ id: ID, label: "poll" })]).toEqual([1, false]);
    expect(memory.report(OTHER_ID, 0).panels).toHaveProperty("websocket");
  });

  it("numbers on after a restart", () => {
    const before = new LabMemory(() => 5_000).report(ID, 0).version;
    expect(new LabMemory(() => 6_000).report(ID, 0).version).toBeGreaterThan(before);
  });

  it("makes a request's head of its parts", () => {
    expect(requestHead(request())).toBe("GET /channels/x HTTP/1.1\r\nHost: a\r\n\r\n");
  });
});

interface Told {
  readonly requests: number;
  readonly sent: number;
  readonly received: number;
  readonly newest: {
    readonly open: boolean;
    readonly request: string;
    readonly response: string;
    readonly sent: number;
  };
}

interface WithLab extends Served {
  readonly memory: LabMemory;
  /** What the page `ID` is told of a panel, once a condition holds: by default, that its newest request is over. */
  report(label: string, holds?: (told: Told) => boolean): Promise<Told>;
}

const isAnswered = ({ newest }: Told) => newest.response !== "";

async function withLab(base = "/", see: (req: IncomingMessage) => void = () => {}): Promise<WithLab> {
  const memory = new LabMemory();
  const served = await serve({
    path: base,
    before: (server) => {
      server.on("request", (req, res) => {
        see(req);
        res.writeHead(404).end();
      });
    },
  });
  addLab(served.server, base, memory);
  const report = async (label: string, holds = ({ newest }: Told) => !newest.open): Promise<Told> => {
    for (;;) {
      const told = (await reportOf(served.url, ID)).panels[label] as Told | undefined;
      if (told !== undefined && holds(told)) return told;
    }
  };
  return { ...served, memory, report };
}

async function reportOf(url: string, id: string, after = 0): Promise<LabReport> {
  const answer = await fetch(`${url}/lab/exchanges?lab=${id}&after=${after}`);
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  return (await answer.json()) as LabReport;
}

/** How many bytes of a body come, where the head has been taken. */
async function bodyAfter(connection: RawConnection, head: string): Promise<number> {
  const length = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
  return (await connection.take(length)).length;
}

/** Counts what a connection receives from now on. */
function countBytes({ socket }: RawConnection): () => number {
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  return () => bytes;
}

function request(): IncomingMessage {
  const rawHeaders = ["Host", "a"];
  return {
    method: "GET",
    url: "/channels/x",
    httpVersion: "1.1",
    rawHeaders,
    headers: { host: "a" },
  } as IncomingMessage;
}

function beginOpen(memory: LabMemory, id: string): void {
  const socket = { bytesRead: 0, bytesWritten: 0, write: () => true, once: () => socket };
  memory.begin({ id, label: "websocket" }, request())?.watchUpgrade(socket as never, Buffer.alloc(0));
}
