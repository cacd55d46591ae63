import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Flows wait for other processes more than they work: on two cores a third worker finds one idle.
    maxWorkers: 3,
  },
});
