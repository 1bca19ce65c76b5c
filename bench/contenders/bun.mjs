import { fileURLToPath } from "node:url";
import { serverPath } from "./contender.mjs";
import { missingFile } from "./missing.mjs";
import { websocket } from "./protocols.mjs";

/** The package's name for it on every system. */
const command = fileURLToPath(new URL("../node_modules/bun/bin/bun.exe", import.meta.url));

/** @type {import("./contender.mjs").Contender[]} */
export const bun = [
  {
    name: "bun",
    family: "bun",
    benchmarks: ["fanout", "pace", "idle"],
    missing: () => missingFile(command),
    launch: ([port]) => ({
      command,
      args: [serverPath("bun.mjs"), String(port)],
      env: { NODE_ENV: "production" },
      collectsGarbage: true,
    }),
    protocol: websocket((channel) => `/${channel}`),
    publish: (channel) => ({ path: `/${channel}` }),
  },
];
