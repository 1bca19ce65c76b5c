import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { tailwire } from "./tailwire.mjs";

const command = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** `tailwire serve --workers N`, for the benchmark of that name: the protocols of the server that is embedded. */
export const tailwireWorkers = [1, 2].flatMap((workers) =>
  tailwire
    .filter(({ name }) => name === "tailwire-sse" || name === "tailwire-websocket")
    .map(
      /** @returns {import("./contender.mjs").Contender} */
      (contender) => ({
        ...contender,
        name: `${contender.name}-${workers}`,
        benchmarks: ["workers"],
        missing,
        launch: ([port]) => ({
          command: process.execPath,
          args: [command, "serve", "--port", String(port), "--workers", String(workers), "--no-pages"],
          env: { NODE_ENV: "production", TAILWIRE_STORE: "memory:" },
        }),
      }),
    ),
);

function missing() {
  const { stdout } = spawnSync(process.execPath, [command, "serve", "--help"], { encoding: "utf8" });
  return stdout.includes("--workers") ? undefined : "this Tailwire has no --workers";
}
