import { statisticsFault } from '../errors.js';
import { checkStatistics, type Statistics } from '../statistics.js';
import { type OpenNpz, openNpz, writeNpz } from './npz.js';

/** Statistics of more are not read: 200 MB. Inception gives 2,048 features, other networks in use no more than 4,096. */
const MAX_FEATURES = 5000;

/**
 * Reads reference statistics as the official code writes them: an .npz file, its path or its bytes, with `mu` [dim] and
 * `sigma` [dim, dim], numbers of any type. What else it holds is not read.
 *
 * `label`: how errors call it. `prefix`: what stands before both names, of several statistics in one file. dim is at
 * most 5,000.
 *
 * @throws MetricsError E_NPZ where it is no .npz file; E_STATISTICS where it holds no usable statistics.
 */
export async function readStatistics(
  source: string | Uint8Array,
  label = typeof source === 'string' ? source : 'statistics',
  prefix = '',
): Promise<Statistics> {
  const [muName, sigmaName] = namesOf(prefix);
  const npz = await openNpz(source, label);
  try {
    const { names } = npz;
    if (![muName, sigmaName].every((name) => names.includes(name)))
      throw statisticsFault(
        `${label}: reference statistics are arrays "${muName}" and "${sigmaName}", and it holds ${names.slice(0, 8).join(', ') || 'none'}`,
        { file: label, found: names },
      );
    const [mu, sigma] = [(await npz.header(muName)).shape, (await npz.header(sigmaName)).shape];
    const [dim = 0] = mu;
    if (mu.length !== 1 || sigma.length !== 2 || sigma.some((size) => size !== dim))
      throw statisticsFault(
        `${label}: mu [dim] and sigma [dim, dim] do not fit together: [${mu.join(', ')}] and [${sigma.join(', ')}]`,
        { file: label, mu, sigma },
      );
    if (dim > MAX_FEATURES)
      throw statisticsFault(
        `${label}: statistics of ${dim} features, and those of at most ${MAX_FEATURES} are read; no feature network gives as many`,
        { file: label, dim, limit: MAX_FEATURES },
      );
    const result = { mu: await doubles(npz, muName), sigma: await doubles(npz, sigmaName) };
    checkStatistics(result, label);
    return result;
  } finally {
    npz.close();
  }
}

const namesOf = (prefix: string) => [`${prefix}mu`, `${prefix}sigma`] as const;

/** Statistics among those of a file: what stands before `mu` and `sigma`, and of how many features they are. */
export interface StatisticsPart {
  readonly prefix: string;
  readonly dim: number;
}

/**
 * The statistics that an .npz file holds, in its order: one, `mu` and `sigma` themselves, or several, a name before each, as
 * EDM2 has `fid` and `fd_dinov2`; none where it holds something else. No numbers are read.
 *
 * @throws MetricsError E_NPZ where it is no .npz file
 */
export async function statisticsIn(path: string): Promise<readonly StatisticsPart[]> {
  const npz = await openNpz(path, path);
  try {
    const parts: StatisticsPart[] = [];
    for (const name of npz.names) {
      const prefix = /^(|.*\.)mu$/.exec(name)?.[1];
      if (prefix === undefined || !npz.names.includes(namesOf(prefix)[1])) continue;
      parts.push({ prefix, dim: (await npz.header(name)).shape[0] ?? 0 });
    }
    return parts;
  } finally {
    npz.close();
  }
}

async function doubles(npz: OpenNpz, name: string): Promise<Float64Array> {
  const { data } = await npz.read(name);
  if (data instanceof Float64Array) return data;
  const numbers = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) numbers[i] = Number(data[i]);
  return numbers;
}

/** The bytes of an .npz file with `mu` and `sigma` in double, which the official code reads. Deterministic. */
export function writeStatistics({ mu, sigma }: Statistics): Promise<Uint8Array> {
  checkStatistics({ mu, sigma }, 'statistics');
  return writeNpz({
    mu: { dtype: 'float64', shape: [mu.length], data: mu },
    sigma: { dtype: 'float64', shape: [mu.length, mu.length], data: sigma },
  });
}
