import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  concluded,
  type Energies,
  type FitState,
  type NormalEquations,
  type Proposal,
  type Squares,
  sumOfSquares,
} from '@fewstep/solvers';

/** Where a fit stands, and the steps to try from there: none where it is told what they came to, or has ended. */
export interface Standing {
  readonly state: FitState;
  readonly proposals: readonly Proposal[];
}

export const writeStanding = (dir: string, standing: Standing): Promise<string> =>
  write(dir, 'standing.json', standing);
export const readStanding = (path: string): Promise<Standing> => read(path);

/** Of a fit that has ended, which asks for nothing more: null. */
export const writeEquations = (dir: string, equations: NormalEquations | null): Promise<string> =>
  write(
    dir,
    'equations.json',
    equations && { ...equations, matrix: [...equations.matrix], gradient: [...equations.gradient] },
  );

/** Of each block, in their order. */
export const readEquations = (paths: readonly string[]): Promise<NormalEquations[]> =>
  Promise.all(
    paths.map(async (path) => {
      const { matrix, gradient, ...sums } = await read<NormalEquations>(path);
      return { ...sums, matrix: Float64Array.from(matrix), gradient: Float64Array.from(gradient) };
    }),
  );

/** The same of squares. */
export const writeSquares = (dir: string, squares: Squares | null): Promise<string> =>
  write(dir, 'squares.json', squares);
export const readSquares = (paths: readonly string[]): Promise<Squares[]> =>
  Promise.all(paths.map(read<Squares>));

/** Where a fit ends, of where it stood after its last step and what validates there. */
export async function readEnd(inputs: {
  readonly standing: string;
  readonly validation: readonly string[];
}): Promise<FitState> {
  const { state } = await readStanding(inputs.standing);
  return state.ended ? state : concluded(state, sumOfSquares(await readSquares(inputs.validation)));
}

export const writeEnergies = (dir: string, energies: Energies): Promise<string> =>
  write(dir, 'energies.json', energies);
export const readEnergies = (paths: readonly string[]): Promise<Energies[]> =>
  Promise.all(paths.map(read<Energies>));

/** Numbers that JSON has no word for: of a trial step that left the numbers. */
const beyond = ['NaN', 'Infinity', '-Infinity'];

async function write(dir: string, name: string, value: unknown): Promise<string> {
  const text = JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'number' && !Number.isFinite(one) ? String(one) : one,
  );
  await writeFile(join(dir, name), `${text}\n`);
  return name;
}

async function read<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8'), (_, one: unknown) =>
    beyond.includes(one as string) ? Number(one) : one,
  ) as T;
}
