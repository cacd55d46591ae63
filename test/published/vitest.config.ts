/** `npm run test:published`: the agents that others publish, which are large and installed for these tests alone. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/published/*.spec.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
