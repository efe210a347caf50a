import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Statistics, writeStatistics } from '@fewstep/metrics';
import { openStateDict, type StateDict } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import type { statistics as kind } from './kinds.js';

/** Reference statistics as EDM2 publishes them, a pickle, as the .npz of those for FID. */
export const run: Run<typeof kind> = async ({ inputs, dir }) => {
  await writeFile(join(dir, 'statistics.npz'), await writeStatistics(await readPickled(inputs.file)));
  return { files: { statistics: 'statistics.npz' }, meta: {} };
};

/** More is of no feature network. */
const mostFeatures = 5000;

/**
 * Mean and covariance in a pickle: a dict of `mu` and `sigma`, or of such dicts by the name of a score, of which `fid` is
 * taken, else the only one.
 *
 * @throws RunnerError E_STATISTICS, ModelError for what is no pickle of arrays
 */
async function readPickled(path: string): Promise<Statistics> {
  const opened = await openStateDict(path);
  try {
    const names = [...opened.tensors.keys()];
    const parts = names
      .filter((name) => /(^|\.)mu$/.test(name))
      .map((name) => name.slice(0, -'mu'.length))
      .filter((part) => opened.tensors.has(`${part}sigma`));
    const part = parts.includes('fid.') ? 'fid.' : parts.length === 1 ? parts[0] : undefined;
    if (part === undefined)
      throw fault(
        path,
        `holds ${parts.length === 0 ? 'no statistics' : `statistics of ${parts.map((one) => one.slice(0, -1)).join(', ')}`}, and needed are arrays mu and sigma, under fid where there are several; its arrays are ${names.slice(0, 8).join(', ') || 'none'}`,
        { found: names },
      );
    const [dim = 0, ...more] = opened.tensors.get(`${part}mu`)!.shape;
    const { shape } = opened.tensors.get(`${part}sigma`)!;
    if (more.length > 0 || shape.length !== 2 || shape.some((size) => size !== dim) || dim > mostFeatures)
      throw fault(
        path,
        `${part}mu [dim] and ${part}sigma [dim, dim] of at most ${mostFeatures} features are needed, and they are [${[dim, ...more]}] and [${shape}]`,
        { mu: [dim, ...more], sigma: shape },
      );
    const doubles = (name: string) => doublesOf(opened, `${part}${name}`, path);
    return { mu: doubles('mu'), sigma: doubles('sigma') };
  } finally {
    opened.close();
  }
}

function doublesOf(opened: StateDict, name: string, path: string): Float64Array {
  const { dtype, data } = opened.read(name)['']!;
  if (dtype !== 'F64' && dtype !== 'F32')
    throw fault(path, `${name} is of type ${dtype}, and F64 or F32 is read`, { dtype });
  return Float64Array.from(data as Float64Array | Float32Array);
}

const fault = (path: string, why: string, evidence: Readonly<Record<string, unknown>>) =>
  new RunnerError('E_STATISTICS', `${path}: ${why}.`, { exitCode: 1, evidence: { path, ...evidence } });
