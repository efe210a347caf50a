import { defineConfig } from 'vitest/config';

// Whole runs of the command line: one at a time, and slow beside unit tests.
export default defineConfig({
  test: { fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 },
});
