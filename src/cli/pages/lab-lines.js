/** Lines of JSON out of pieces that end anywhere. */

/**
 * @param {(message: import("./lab-runner.js").Message) => void} received
 * @returns {(piece: string) => void} a last line without its end is not whole, and is never received
 */
export function lineReader(received) {
  let rest = "";
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) received(JSON.parse(line));
  };
}
