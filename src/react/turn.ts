/**
 * Runs once the present turn of the event loop, with all that its promises set off, is over. Not by a timer: those of
 * a page that nobody looks at wait for a second and more.
 */
export function afterTurn(run: () => void): void {
  if (typeof MessageChannel !== "function") {
    queueMicrotask(run); // a simulated DOM
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    run();
  };
  port2.postMessage(null);
}
