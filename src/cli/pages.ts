/** The landing page and the demos: a folder of files, read once and served from memory. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import path from "node:path";

/** A file, with the head that it is sent with. */
export interface Page {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const FOLDER = new URL("./pages/", import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The pages' own files and the channels of their own server, in a hidden frame too, and nothing else. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TITLES = { 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed" } as const;

/**
 * Answers requests for pages, and all others with 404.
 * @param base begins and ends with a slash
 * @param pages by the paths they are served at
 */
export function servePages(base: string, pages = readPages(base, true)): RequestListener {
  return (req, res) => {
    const [pathname = "", ...query] = (req.url ?? "").split("?");
    const page = pages.get(pathname);
    const isBase = `${pathname}/` === base && pages.has(base);
    if (page === undefined && !isBase) respondProblem(res, 404, "not_found", "there is no such route");
    else if (req.method !== "GET" && req.method !== "HEAD") refuseMethod(res);
    else if (page === undefined) redirect(res, base, query);
    else respond(req, res, page);
  };
}

/**
 * All files by the paths they are served at.
 * @param lab whether the server has the transport lab; a page says so where not
 */
export function readPages(base: string, lab: boolean): ReadonlyMap<string, Page> {
  const pages = new Map<string, Page>();
  for (const name of readdirSync(FOLDER)) {
    const type = CONTENT_TYPES[path.extname(name)];
    if (type !== undefined) pages.set(`${base}pages/${name}`, readPage(name, type));
  }
  for (const [place, name] of [
    ["", "index.html"],
    ["chat", "chat.html"],
    ["lab", lab ? "lab.html" : "no-lab.html"],
  ] as const) {
    const page = pages.get(`${base}pages/${name}`);
    if (page !== undefined) pages.set(`${base}${place}`, page);
  }
  return pages;
}

function readPage(name: string, type: string): Page {
  const content = readFileSync(new URL(name, FOLDER));
  const headers = {
    "Content-Type": type,
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    ETag: entityTag(content),
  };
  return { content, headers };
}

/** RFC 9110, 8.8.3: the same for the same bytes only. */
export function entityTag(content: Buffer): string {
  return `"${createHash("sha256").update(content).digest("base64url")}"`;
}

function respond(req: IncomingMessage, res: ServerResponse, { content, headers }: Page): void {
  if (matches(req.headers["if-none-match"], headers.ETag)) res.writeHead(304, headers).end();
  else res.writeHead(200, { ...headers, "Content-Length": content.byteLength }).end(content);
}

/** RFC 9110, 13.1.2: a list of entity-tags, compared weakly, or `*`. */
function matches(header: string | undefined, tag: string | undefined): boolean {
  const tags = header?.split(",").map((each) => each.trim().replace(/^W\//, "")) ?? [];
  return tags.some((each) => each === "*" || each === tag);
}

/** To the base with its slash. The place is a relative one, so that it holds behind a proxy that cuts off a path. */
function redirect(res: ServerResponse, base: string, query: readonly string[]): void {
  const last = base.split("/").at(-2) ?? "";
  res.writeHead(307, { Location: [`./${last}/`, ...query].join("?"), "Content-Length": 0 }).end();
}

function refuseMethod(res: ServerResponse): void {
  res.setHeader("Allow", "GET, HEAD");
  respondProblem(res, 405, "method_not_allowed", "this route has GET, HEAD");
}

/** Answers with an error in the form of all others (RFC 9457). */
export function respondProblem(res: ServerResponse, status: keyof typeof TITLES, code: string, detail: string): void {
  const body = `${JSON.stringify({ type: "about:blank", title: TITLES[status], status, code, detail })}\n`;
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  res.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
}
