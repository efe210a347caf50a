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
  readonly found?: boolean;
  readonly key?: string;
}

/** The one experiment of `run --json`, with the totals beside it. */
export function runJson(stdout: string): RunJson {
  const { experiments, ...rest } = JSON.parse(stdout);
  return experiments ? { ...experiments[0], tasks: rest.tasks } : rest;
}

/** The one experiment of `plan --json`. */
export function planJson(stdout: string): PlanJson {
  const { experiments, ...rest } = JSON.parse(stdout);
  const { found, toCompute } = experiments ? rest.tasks : rest;
  const planned: Planned[] = experiments ? experiments[0].planned : rest.tasks;
  const missing = planned.filter((one) => !(one.found ?? one.key !== undefined));
  return { found, toCompute, kindsToCompute: [...new Set(missing.map(({ kind }) => kind))].sort() };
}
