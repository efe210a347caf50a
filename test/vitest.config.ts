import { configDefaults, defineConfig } from 'vitest/config';

const slow = { testTimeout: 120_000, hookTimeout: 120_000 };
/** What kills and waits, so that nothing else may run beside it. */
const alone = ['faults/other-disks', 'faults/replaced-files', 'faults/strangers'].map(
  (name) => `src/${name}.test.ts`,
);

// Whole runs of the command line, slow beside unit tests: mostly starting up, which takes one core.
export default defineConfig({
  test: {
    ...slow,
    projects: [
      {
        test: {
          ...slow,
          name: 'commands',
          include: ['src/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...alone],
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...slow,
          name: 'alone',
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
