import {
  compile,
  dpm,
  dpmpp,
  euler,
  heun,
  ipndm,
  ipndmV,
  type SamplerTable,
  type Solver,
} from '@fewstep/solvers';

/** A solver of another program, as it is there. */
interface HostSolver {
  /** As the program calls it. */
  readonly name: string;
  readonly solver: Solver;
  /** Evaluations of one interval. */
  readonly evaluations: number;
}

/** A table that is another program's solver under noise levels of its own. */
export interface SigmaList {
  readonly solver: string;
  /** Descending; the last is 0 where the sample is the last answer of the network. */
  readonly sigmas: readonly number[];
}

/** Those that diffusers takes noise levels for. */
export const diffusersSolvers: readonly HostSolver[] = [
  { name: 'EulerDiscreteScheduler', solver: euler, evaluations: 1 },
];

/**
 * Those of ComfyUI that are ours, by their names in KSamplerSelect, with the options that they have there. Its `ipndm_v` has
 * another rule from order 3 on, its `deis` sums where ours integrates, and its `uni_pc` has no noise levels between.
 */
export const comfyuiSolvers: readonly HostSolver[] = [
  { name: 'euler', solver: euler, evaluations: 1 },
  { name: 'ipndm', solver: ipndm({ maxOrder: 4 }), evaluations: 1 },
  { name: 'lms', solver: ipndmV({ maxOrder: 4 }), evaluations: 1 },
  { name: 'dpmpp_2m', solver: dpmpp({ maxOrder: 2, lowerOrderFinal: false }), evaluations: 1 },
  { name: 'heun', solver: heun, evaluations: 2 },
  { name: 'dpm_2', solver: dpm(), evaluations: 2 },
];

/** How far an entry may be from the solver's, as a part of the largest of its row: far below float32. */
const TOLERANCE = 1e-9;

/**
 * The noise levels under which a solver of the program gives this very table; nothing where none does, as of one whose
 * entries were trained, that has rows by band, or that begins analytically.
 *
 * It is the table that is looked at, and not what its file says of where it came from.
 */
export function sigmaList(table: SamplerTable, solvers: readonly HostSolver[]): SigmaList | undefined {
  for (const { name, solver, evaluations } of solvers) {
    const sigmas = levelsOf(table, evaluations);
    if (sigmas && isOf(table, solver, sigmas)) return { solver: name, sigmas };
  }
  return undefined;
}

/** The noise levels that intervals open at, and where the last one ends. */
function levelsOf({ sigmas, rows }: SamplerTable, evaluations: number): number[] | undefined {
  // noise that the sample keeps is that of the last level, for no method changes how much an image of zeros has
  const left = rows[sigmas.length]![0]!;
  const end = Math.abs(left) < TOLERANCE * sigmas.at(-1)! ? 0 : left;
  const opening = sigmas.filter((_, k) => k % evaluations === 0);
  const levels = [...opening, end];
  const isWhole = (sigmas.length - (end === 0 ? 1 : 0)) % evaluations === 0;
  return isWhole && levels.every((sigma, i) => sigma >= 0 && (i === 0 || sigma < levels[i - 1]!))
    ? levels
    : undefined;
}

function isOf(table: SamplerTable, solver: Solver, sigmas: readonly number[]): boolean {
  const denoiseToZero = sigmas.at(-1) === 0;
  const levels = denoiseToZero ? sigmas.slice(0, -1) : sigmas;
  if (levels.length < 2) return false; // no solve
  const made = compile({ solver, sigmas: levels, denoiseToZero });
  const near = (found: readonly number[], expected: readonly number[]) => {
    const size = Math.max(...expected.map(Math.abs));
    return (
      found.length === expected.length &&
      expected.every((value, i) => Math.abs(value - found[i]!) <= TOLERANCE * size)
    );
  };
  return (
    made.sigmas.length === table.sigmas.length &&
    made.sigmas.every((sigma, k) => Math.abs(sigma - table.sigmas[k]!) <= TOLERANCE * sigma) &&
    made.rows.every((row, k) => near(table.rows[k]!, row))
  );
}

/** A number without an exponent, which nearly every digit of a double is in: 1e-7 as 0.0000001. */
export const fixedDecimal = (value: number): string => {
  const text = String(value);
  return text.includes('e') ? value.toFixed(30).replace(/0+$/, '') : text;
};
