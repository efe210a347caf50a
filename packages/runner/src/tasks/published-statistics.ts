import type { Statistics } from '@fewstep/metrics';
import { readStatistics, type StatisticsPart, statisticsIn } from '@fewstep/metrics/npz';
import { RunnerError } from '../errors.js';

/**
 * Of the statistics in an .npz those of so many features: EDM2's are of Inception's 2,048 and of DINOv2's 1,024.
 *
 * @throws RunnerError E_STATISTICS where none are, so that the file is of another feature network, or several are and none is
 *   called `fid`; MetricsError
 */
export async function publishedStatistics(path: string, dim: number): Promise<Statistics> {
  const parts = await statisticsIn(path);
  const fitting = parts.filter((one) => one.dim === dim);
  const part = fitting.find(({ prefix }) => prefix === 'fid.') ?? fitting[0];
  if (parts.length === 0 || (part && (fitting.length === 1 || part.prefix === 'fid.')))
    return readStatistics(path, path, part?.prefix);
  if (part)
    throw new RunnerError(
      'E_STATISTICS',
      `the published statistics (${path}) hold several of ${dim} features, ${fitting.map(({ prefix }) => prefix.slice(0, -1)).join(', ')}, and which of them is meant is told by the name fid: save one as an .npz of mu and sigma.`,
      { exitCode: 1, evidence: { path, found: fitting.map(({ prefix }) => prefix) } },
    );
  throw new RunnerError(
    'E_STATISTICS',
    `the published statistics (${path}) are of ${dimsOf(parts)} features, and what they are compared with has ${dim}: take the statistics that the same feature network makes of the real images (fewstep fid ref).`,
    { exitCode: 1, evidence: { path, expected: dim, found: parts.map((one) => one.dim) } },
  );
}

/**
 * The same of two files: those of as many features, the first where there are several.
 *
 * @throws as `publishedStatistics`
 */
export async function bothStatistics(a: string, b: string): Promise<readonly [Statistics, Statistics]> {
  const [left, right] = [await statisticsIn(a), await statisticsIn(b)];
  const dims = left.map(({ dim }) => dim);
  const dim = dims.find((one) => right.some((other) => other.dim === one)) ?? dims[0] ?? 0;
  return [await publishedStatistics(a, dim), await publishedStatistics(b, dim)];
}

const dimsOf = (parts: readonly StatisticsPart[]) => parts.map(({ dim }) => dim).join(' and ');
