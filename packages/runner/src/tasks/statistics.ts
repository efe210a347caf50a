import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NpyArray, writeNpz } from '@fewstep/metrics/npz';
import { openStateDict, type PickleValue, readPickle, type StateDict } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import type { statistics as kind } from './kinds.js';

/** Reference statistics as EDM2 publishes them, a pickle, as an .npz of all that are in it. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  await writeFile(join(dir, 'statistics.npz'), await writeNpz(await readPickled(inputs.file)));
  return { files: { statistics: 'statistics.npz' }, meta: {} };
};

/** More is of no feature network. */
const mostFeatures = 5000;

/** Numbers under a name of a pickle, as an array or in lists. */
interface Numbers {
  readonly shape: readonly number[];
  read(): Float64Array;
}
type Named = ReadonlyMap<string, Numbers>;

/**
 * Means and covariances in a pickle: a dict of `mu` and `sigma`, or of such dicts by the name of a score, as EDM2's of `fid`
 * and `fd_dinov2`; a single one is named as if it stood by itself. They are arrays, or plain lists of numbers.
 *
 * @throws RunnerError E_STATISTICS, ModelError for what is no pickle of a dict
 */
async function readPickled(path: string): Promise<Readonly<Record<string, NpyArray>>> {
  const opened = await openStateDict(path);
  try {
    const arrays = arraysOf(opened, path);
    // the file is read anew only where its arrays don't tell
    const named =
      partsIn(arrays).length > 0 || opened.format !== 'pickle'
        ? arrays
        : new Map([...arrays, ...listsOf(readPickle(await readFile(path)))]);
    const parts = partsIn(named);
    const names = [...named.keys()];
    if (parts.length === 0)
      throw fault(
        path,
        `holds no statistics, and needed are arrays mu and sigma; its arrays are ${names.slice(0, 8).join(', ') || 'none'}`,
        { found: names },
      );
    const isAlone = parts.length === 1;
    return Object.fromEntries(parts.flatMap((part) => arraysOfPart(path, part, named, isAlone ? '' : part)));
  } finally {
    opened.close();
  }
}

/** One of the statistics, and what stands before their names then. */
function arraysOfPart(
  path: string,
  part: string,
  named: Named,
  prefix: string,
): (readonly [string, NpyArray])[] {
  const [mu, sigma] = [named.get(`${part}mu`)!, named.get(`${part}sigma`)!];
  const [dim = 0, ...more] = mu.shape;
  const { shape } = sigma;
  if (more.length > 0 || shape.length !== 2 || shape.some((size) => size !== dim) || dim > mostFeatures)
    throw fault(
      path,
      `${part}mu [dim] and ${part}sigma [dim, dim] of at most ${mostFeatures} features are needed, and they are [${[dim, ...more]}] and [${shape}]`,
      { mu: [dim, ...more], sigma: shape },
    );
  const array = ({ shape, read }: Numbers): NpyArray => ({ dtype: 'float64', shape, data: read() });
  return [
    [`${prefix}mu`, array(mu)],
    [`${prefix}sigma`, array(sigma)],
  ];
}

/** What stands before the names of each `mu` that has a `sigma` beside it. */
const partsIn = (named: Named): readonly string[] =>
  [...named.keys()]
    .filter((name) => /(^|\.)mu$/.test(name))
    .map((name) => name.slice(0, -'mu'.length))
    .filter((part) => named.has(`${part}sigma`));

const arraysOf = (opened: StateDict, path: string): Named =>
  new Map(
    Array.from(opened.tensors, ([name, { shape }]) => [
      name,
      { shape, read: () => doublesOf(opened, name, path) },
    ]),
  );

function doublesOf(opened: StateDict, name: string, path: string): Float64Array {
  const { dtype, data } = opened.read(name)['']!;
  if (dtype !== 'F64' && dtype !== 'F32')
    throw fault(path, `${name} is of type ${dtype}, and F64 or F32 is read`, { dtype });
  return Float64Array.from(data as Float64Array | Float32Array);
}

/** The lists of numbers named `mu` and `sigma` in a dict, and in the dicts in it. */
function listsOf(root: PickleValue): Named {
  const dicts = (value: PickleValue, prefix: string) => (value instanceof Map ? [{ value, prefix }] : []);
  const below = root instanceof Map ? [...root].flatMap(([key, value]) => dicts(value, `${key}.`)) : [];
  return new Map(
    [...dicts(root, ''), ...below].flatMap(({ value, prefix }) =>
      ['mu', 'sigma'].flatMap((name): [string, Numbers][] => {
        const numbers = numbersIn(value.get(name));
        return numbers ? [[`${prefix}${name}`, numbers]] : [];
      }),
    ),
  );
}

/** A list of numbers, or of lists of as many numbers each; undefined for anything else. */
function numbersIn(value: PickleValue | undefined): Numbers | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostFeatures) return undefined;
  const rows = value.filter(Array.isArray);
  const width = rows[0]?.length ?? value.length;
  const isMatrix = rows.length > 0;
  if (isMatrix && (width > mostFeatures || value.some((row) => !Array.isArray(row) || row.length !== width)))
    return undefined;
  const isNumber = (one: unknown): one is number => typeof one === 'number';
  const lists: readonly (readonly PickleValue[])[] = isMatrix ? rows : [value];
  if (!lists.every((list) => list.every(isNumber))) return undefined;
  return {
    shape: isMatrix ? [value.length, width] : [value.length],
    read: () => Float64Array.from(lists.flat() as number[]),
  };
}

const fault = (path: string, why: string, evidence: Readonly<Record<string, unknown>>) =>
  new RunnerError('E_STATISTICS', `${path}: ${why}.`, { exitCode: 1, evidence: { path, ...evidence } });
