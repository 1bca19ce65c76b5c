/** Server-Sent Events: one endless answer that the browser itself reads, and brings back. */

/** @type {import("./lab-runner.js").Open} */
export function open(url, { opened, received, interrupted, ended }) {
  url.searchParams.set("format", "envelope"); // so that `data:` has the time of each event, for its delay
  const source = new EventSource(url);
  source.onopen = opened;
  source.onmessage = ({ data }) => received(JSON.parse(data));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) ended({ why: "the browser gave up" });
    else interrupted("the browser comes back by itself");
  };
  return () => source.close();
}
