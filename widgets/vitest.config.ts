import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: { environment: "jsdom", include: ["test/**/*.test.{ts,tsx}"], maxWorkers: 2, testTimeout: 30_000 },
});
