/** Frames that a client adds to its page. */

/**
 * Adds a hidden frame once the page has loaded: it would count as loading as long as the frame does, and that is without
 * end.
 * @returns takes it away again
 */
export function addFrame(frame: HTMLIFrameElement, added?: () => void): () => void {
  const add = () => {
    document.body.append(frame);
    added?.();
  };
  frame.hidden = true;
  if (document.readyState === "complete") add();
  else addEventListener("load", add, { once: true });
  return () => {
    removeEventListener("load", add);
    frame.remove();
  };
}
