import { once } from "node:events";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Program, serve, tailwire } from "./programs.ts";

describe("tailwire publish", () => {
  it("publishes its argument and prints the id", async () => {
    const { url } = await serve();
    const text = await tailwire(["publish", "chat", "hello", "--url", url, "--type", "said", "--key", "k 1"]).ended;
    expect(text).toMatchObject({ code: 0, stderr: "" });
    const json = await tailwire(["publish", "chat", '{"n": 1.0}', "--json"], { TAILWIRE_URL: `${url}/` }).ended;
    expect(json.code).toBe(0);
    const body = await (await fetch(`${url}/channels/chat?from=earliest&wait=0`)).text();
    expect(body).toContain(`"id":"${text.stdout.trimEnd()}","channel":"chat","type":"said","key":"k 1"`);
    expect(body).toContain('"data":{"n": 1.0}');
    expect(JSON.parse(body).events[1].id).toBe(json.stdout.trimEnd());
  });

  it("publishes each line of its input, whatever is in it", async () => {
    const { url } = await serve("--path", "/push");
    const publish = tailwire(["publish", "logs", "--url", url]);
    publish.process.stdin.end(Buffer.from('one\r\n\n"quoted" \\ \tb\xff\nlast', "latin1"));
    expect(await publish.ended).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await dataOf(url, "logs")).toEqual(["one", "", '"quoted" \\ \tb\ufffd', "last"]);
  });

  it.each<[string[], number, RegExp]>([
    [["a b", "x"], 1, /^tailwire: not published: .*is not a channel name.* \(400 invalid_channel\)\n$/],
    [["chat", "x", "--type", "$x"], 1, /types that begin with \$.* \(400 invalid_parameter\)/],
    [["chat", "{", "--json"], 2, /^tailwire: the data is not JSON: .*\n$/],
    [["chat", "x", "--url", "nowhere"], 2, /It is a URL such as/],
    [[], 2, /missing required argument 'channel'/],
  ])("refuses %j", async (args, code, why) => {
    const { url } = await serve("--no-pages");
    const ended = await tailwire(["publish", ...args], { TAILWIRE_URL: url }).ended;
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    expect(ended.stderr).toMatch(why);
  });

  it("names the line that the server refuses, after publishing those before it", async () => {
    const { url } = await serve("--max-event-bytes", "100");
    const publish = tailwire(["publish", "logs", "--url", url]);
    publish.process.stdin.write(`one\ntwo\n${"x".repeat(200)}\nfour\n`);
    // Its input stays open: it ends by itself.
    const { code, stderr } = await publish.ended;
    expect([code, stderr]).toEqual([
      1,
      "tailwire: line 3 is not published: it is longer than 100 bytes (413 event_too_large)\n",
    ]);
    expect(await dataOf(url, "logs")).toEqual(["one", "two"]);
  });

  it("fails at once with an argument where there is no server, and waits for it with lines", async () => {
    const { server, url } = await serve();
    await server.kill();
    const single = await tailwire(["publish", "chat", "x", "--url", url]).ended;
    expect(single).toEqual({ code: 1, stdout: "", stderr: "tailwire: not published: connection refused\n" });
    const publish = tailwire(["publish", "chat", "--url", url]);
    publish.process.stdin.write("one\n");
    await publish.prints(/not published yet: connection refused; trying again in \d+\.\d s\n/, "stderr");
    publish.process.stdin.end("two\nthree");
    await serve("--port", new URL(url).port);
    expect(await publish.ended).toMatchObject({ code: 0 });
    expect(publish.stderr).toContain("tailwire: publishing again\n");
    expect(await dataOf(url, "chat")).toEqual(["one", "two", "three"]);
  });

  it("ends with a signal while it waits for a server, and says so", async () => {
    const { server, url } = await serve();
    await server.kill();
    const publish = tailwire(["publish", "chat", "--url", url]);
    publish.process.stdin.write("one\n");
    await publish.prints(/not published yet/, "stderr");
    const { code, stderr } = await publish.kill("SIGINT");
    expect(code).toBe(130);
    expect(stderr).toContain("perhaps not published");
  });
});

describe("tailwire tail", () => {
  it("prints what tail -F reads from a growing file, live, also after the file is rotated", async () => {
    const { url } = await serve();
    const folder = mkdtempSync(path.join(tmpdir(), "tailwire-tail-"));
    const file = path.join(folder, "app.log");
    writeFileSync(file, "first\n");
    const tailF = new Program("tail", ["-n", "+1", "-F", file]);
    const publish = tailwire(["publish", "logs", "--url", url]);
    tailF.process.stdout.removeAllListeners("data");
    tailF.process.stdout.on("data", (chunk) => publish.process.stdin.write(chunk));
    const tail = tailwire(["tail", "logs", "--url", url, "--from", "earliest"]);
    await tail.prints(/^first\n/);
    appendFileSync(file, "second\nthi");
    await tail.prints(/^first\nsecond\n/);
    appendFileSync(file, "rd\n");
    await tail.prints(/third\n/);
    renameSync(file, `${file}.1`);
    writeFileSync(file, "fourth\n");
    await tail.prints(/^first\nsecond\nthird\nfourth\n$/);
    rmSync(folder, { recursive: true });
  });

  it("prints whole messages with --json, and labels with several channels", async () => {
    const { url } = await serve("--max-events", "2");
    for (const [channel, data] of [
      ["a", "1"],
      ["b", "2\n3"],
      ["a", "4"],
      ["a", "5"],
    ]) {
      await fetch(`${url}/channels/${channel}`, { method: "POST", body: data as string });
    }
    const { id } = (await (await fetch(`${url}/channels/a?from=earliest&wait=0`)).json()).events[0];
    const epoch = id.split(":")[0];
    const from = ["--from", `a=${epoch}:0,b=${epoch}:0`, "--url", url];
    const plain = tailwire(["tail", "a", "b", ...from]);
    await plain.prints(/a: 5\n/);
    await plain.prints(/b: 2\nb: 3\n/);
    expect(plain.stderr).toBe("tailwire: 1 event of a is no longer kept\n");
    const whole = tailwire(["tail", "a,b", "--json", ...from]);
    await whole.prints(/"data":"5"/);
    const messages = whole.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(messages.find(({ type }) => type === "$gap")).toMatchObject({ channel: "a", lost: 1 });
    expect(messages.map(({ type }) => type)).not.toContain("$open");
    expect(whole.stderr).toBe("");
  });

  it("survives a restart of the server on the same port, and tells that its log is gone", async () => {
    const { server, url } = await serve();
    const tail = tailwire(["tail", "chat", "--url", url, "--from", "earliest"]);
    await fetch(`${url}/channels/chat`, { method: "POST", body: "before" });
    await tail.prints(/^before\n/);
    await server.kill("SIGKILL");
    await tail.prints(/no connection to http/, "stderr");
    await serve("--port", new URL(url).port);
    await fetch(`${url}/channels/chat`, { method: "POST", body: "after" });
    await tail.prints(/^before\nafter\n$/);
    expect(tail.stderr).toMatch(/connected again\ntailwire: chat has begun anew on the server/);
  });

  it.each<[string[], number, RegExp]>([
    [["$x"], 1, /is not a channel name.* \(400 invalid_channel\)\n$/],
    [["a", "a"], 1, /is named twice/],
    [["a", "--from", "yesterday"], 1, /from: "yesterday" is none of now, earliest/],
    [[], 2, /missing required argument/],
  ])("refuses %j", async (args, code, why) => {
    const { url } = await serve("--no-pages");
    const ended = await tailwire(["tail", ...args], { TAILWIRE_URL: url }).ended;
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    expect(ended.stderr).toMatch(why);
  });

  it("ends quietly when nobody reads its output any more", async () => {
    const { url } = await serve();
    const tail = tailwire(["tail", "chat", "--url", url, "--from", "earliest"]);
    await fetch(`${url}/channels/chat`, { method: "POST", body: "one" });
    await tail.prints(/one\n/);
    tail.process.stdout.destroy();
    await once(tail.process.stdout, "close");
    await fetch(`${url}/channels/chat`, { method: "POST", body: "two" });
    expect(await tail.ended).toMatchObject({ code: 0, stderr: "" });
  });
});

async function dataOf(url: string, channel: string): Promise<readonly unknown[]> {
  const answer = await fetch(`${url}/channels/${channel}?from=earliest&wait=0`);
  const { events } = (await answer.json()) as { events: readonly { data: unknown }[] };
  return events.map(({ data }) => data);
}
