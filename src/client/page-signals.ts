/** What a browser tells of its page and its network, after which a client looks at once whether it is still connected. */

const SIGNALS = ["online", "pageshow", "visibilitychange", "resume"];

/** @param check called with true where the network is another */
export function watchPage(check: (networkChanged: boolean) => void): () => void {
  if (typeof document !== "object") return () => {};
  const tell = ({ type }: Event) => document.visibilityState === "visible" && check(type === "online");
  // Captured, for those of the document do not bubble up to the window.
  for (const type of SIGNALS) addEventListener(type, tell, true);
  return () => {
    for (const type of SIGNALS) removeEventListener(type, tell, true);
  };
}
