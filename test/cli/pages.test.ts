import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { servePages } from "../../src/cli/pages.ts";

const FILES = readdirSync(path.resolve(import.meta.dirname, "../../src/cli/pages"));
let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

describe.each(["/", "/push/"])("the pages under %s", (base) => {
  it.each([
    ["", "text/html; charset=utf-8", "<title>"],
    ["chat", "text/html; charset=utf-8", "Chat"],
    ["chat?name=x", "text/html; charset=utf-8", "Chat"],
    ["pages/style.css", "text/css; charset=utf-8", "{"],
    ["pages/chat.js", "text/javascript; charset=utf-8", "import"],
    ["pages/icon.svg", "image/svg+xml", "<svg"],
  ])("has %j", async (place, type, content) => {
    const answer = await fetch(`${await listen(base)}${base}${place}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, type]);
    expect(await answer.text()).toContain(content);
  });

  it.each([
    "nothing",
    "chat/",
    "chat.html",
    "pages",
    "pages/",
    "pages/../pages.ts",
    "pages/%2e%2e/main.js",
    "constructor",
  ])("does not have %j", async (place) => {
    const answer = await fetch(`${await listen(base)}${base}${place}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({ status: 404, code: "not_found" });
  });
});

describe("the pages", () => {
  it("are all of the folder's files", async () => {
    const url = await listen("/");
    for (const file of FILES) {
      const { status } = await fetch(`${url}/pages/${file}`);
      expect([file, status]).toEqual([file, 200]);
    }
  });

  it("may load only what is their own", async () => {
    const { headers } = await fetch(`${await listen("/")}/`);
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("are sent again only where they have changed", async () => {
    const url = await listen("/");
    const first = await fetch(`${url}/chat`);
    expect(first.headers.get("cache-control")).toBe("no-cache");
    const tag = first.headers.get("etag") ?? "";
    for (const [header, status] of [
      [tag, 304],
      [`"x", W/${tag}`, 304],
      ["*", 304],
      ['"x"', 200],
    ] as const) {
      const again = await fetch(`${url}/chat`, { headers: { "If-None-Match": header } });
      expect([header, again.status]).toEqual([header, status]);
      await again.arrayBuffer();
    }
  });

  it("answer HEAD without the content, and no other method", async () => {
    const url = await listen("/");
    const head = await fetch(`${url}/chat`, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(100);
    expect(await head.text()).toBe("");
    const post = await fetch(`${url}/chat`, { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await post.json()).toMatchObject({ code: "method_not_allowed" });
  });

  it("are found from the base without its slash, behind a proxy's own path too", async () => {
    const url = await listen("/a/b/");
    const answer = await fetch(`${url}/a/b?x=1&y=2?`, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([307, "./b/?x=1&y=2?"]);
    const followed = await fetch(`${url}/a/b`);
    expect([followed.status, followed.url]).toEqual([200, `${url}/a/b/`]);
  });
});

async function listen(base: string): Promise<string> {
  server = createServer(servePages(base)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
