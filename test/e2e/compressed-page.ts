/** A page that reads one channel over all that can be compressed, with what its browser has, and tells the test. */

/** What a page tells: that a transport is open, has an event, or has ended, and with what. */
export type Told = readonly [transport: string, what: "open" | "event" | "end", value: string];

/** What it reads over. */
export const READERS = ["sse", "stream", "messages", "raw"] as const;

/** The page, whose script is {@link readAll}. */
export const COMPRESSED_PAGE = `<!doctype html><title>a page</title><script>(${readAll})()</script>`;

/** Runs in the page. What it tells of one transport comes in order. */
function readAll(): void {
  const queue: (readonly string[])[] = [];
  let busy = false;
  function tell(...told: readonly string[]): void {
    queue.push(told);
    if (!busy) void sendQueue();
  }
  async function sendQueue(): Promise<void> {
    busy = true;
    for (let all = queue.splice(0); all.length > 0; all = queue.splice(0)) {
      await fetch("/tell", { method: "POST", body: JSON.stringify(all) });
    }
    busy = false;
  }

  const source = new EventSource("/push/channels/news?from=earliest");
  source.addEventListener("$open", () => tell("sse", "open", ""));
  source.onmessage = ({ data }) => tell("sse", "event", data);
  source.addEventListener("$close", () => {
    source.close();
    tell("sse", "end", "");
  });

  async function readStream(): Promise<void> {
    const { body, headers } = await fetch("/push/channels/news?from=earliest");
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let chunk = await reader?.read(); chunk?.value !== undefined; chunk = await reader?.read()) {
      const lines = (rest + chunk.value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) tellMessage("stream", line, headers.get("content-encoding"));
    }
    tell("stream", "end", "");
  }
  readStream().catch((error) => tell("stream", "end", String(error)));

  function tellMessage(transport: string, line: string, coding: string | null): void {
    const { type, data } = JSON.parse(line);
    if (type === "$open") tell(transport, "open", String(coding));
    if (!type.startsWith("$")) tell(transport, "event", data);
  }

  const messages = new WebSocket(`ws://${location.host}/push/channels/news?from=earliest`, "tailwire.v1");
  messages.onmessage = ({ data }) => {
    for (const line of data.split("\n")) tellMessage("messages", line, messages.extensions);
  };
  messages.onclose = ({ code }) => tell("messages", "end", code === 1001 ? "" : String(code));

  const raw = new WebSocket(`ws://${location.host}/push/channels/news?from=earliest`);
  raw.onopen = () => tell("raw", "open", raw.extensions);
  raw.onmessage = ({ data }) => {
    tell("raw", "event", data);
    if (data === "say something") raw.send("something ".repeat(500));
  };
  raw.onclose = ({ code }) => tell("raw", "end", code === 1001 ? "" : String(code));
}
