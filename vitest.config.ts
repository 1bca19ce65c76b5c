import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/e2e/tell-what-is-missing.ts"],
    // A process for each test file: files open real sockets, and one that crashes takes only itself down.
    pool: "forks",
    // Half of the time they wait, for browsers and other programs.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
