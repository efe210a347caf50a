import { expect } from 'vitest';

/** What `run --json` says of one experiment, and the run's totals. */
export interface RunJson {
  readonly points: readonly {
    readonly label: string;
    readonly metrics: Readonly<Record<string, number>>;
    readonly artifacts: { readonly samples: readonly string[]; readonly grid?: string };
  }[];
  readonly failures: readonly { readonly code?: string; readonly message: string }[];
  readonly comparison?: string;
  readonly tasks: { readonly computed: number; readonly local: number; readonly remote: number };
}

/** What `plan --json` says of one experiment: the kinds of what it would compute, each once. */
export interface PlanJson {
  readonly found: number;
  readonly toCompute: number;
  readonly kindsToCompute: readonly string[];
}

interface Planned {
  readonly kind: string;
  readonly found: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: what a command prints is data whose form its test knows
type Printed = any;

/**
 * The one experiment of a command's `--json` with the totals beside it, as `tasks`; of `plan` those are `found` and
 * `toCompute`, and `tasks` is what is planned.
 */
export function experimentJson(stdout: string): Printed {
  const { experiments, tasks } = JSON.parse(stdout);
  expect(experiments).toHaveLength(1);
  const [{ planned, ...experiment }] = experiments;
  return planned ? { ...experiment, ...tasks, tasks: planned } : { ...experiment, tasks };
}

/** The one experiment of `run --json`. */
export const runJson = (stdout: string): RunJson => experimentJson(stdout);

/** The one experiment of `plan --json`. */
export function planJson(stdout: string): PlanJson {
  const { found, toCompute, tasks } = experimentJson(stdout);
  const missing = (tasks as Planned[]).filter((one) => !one.found);
  return { found, toCompute, kindsToCompute: [...new Set(missing.map(({ kind }) => kind))].sort() };
}

/** What a file of JSON lines holds. */
export const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
