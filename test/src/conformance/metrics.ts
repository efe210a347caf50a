import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type FeatureSet, frechetDistance, kid, prdc, type Statistics, statistics } from '@fewstep/metrics';
import { type NpyArray, readNpz, readStatistics } from '@fewstep/metrics/npz';
import { openDoubleProducts } from '@fewstep/metrics/onnx';
import { type Golden, mixedError } from './golden.js';
import { type Outcome, outcome, type Topic } from './topic.js';

/** FID with its statistics, KID, precision/recall/density/coverage, and .npz files. */
export const metrics: Topic = async (golden) => {
  const { fid = [], kid: kids = [], prdc: sets = [], npz_variants: variants } = golden.index;
  const outcomes: Outcome[] = [];
  for (const one of fid as FidCase[])
    outcomes.push(await outcome(`fid/${one.id}`, () => checkFid(golden, one)));
  for (const one of kids as KidCase[])
    outcomes.push(await outcome(`kid/${one.id}`, () => checkKid(golden, one)));
  for (const one of sets as PrdcCase[])
    outcomes.push(await outcome(`prdc/${one.id}`, () => checkPrdc(golden, one)));
  for (const file of (variants?.files ?? []) as string[])
    outcomes.push(await outcome(`npz/${file}`, () => checkNpz(golden, file, variants.content)));
  return outcomes;
};

interface FidCase {
  readonly id: string;
  readonly dim: number;
  readonly batch?: number;
  readonly features?: string;
  readonly features_ref?: string;
  readonly stats?: string;
  readonly ref?: string;
  readonly mu?: string;
  readonly sigma_diag?: string;
  readonly sigma_row0?: string;
  readonly fid: number;
  readonly fid_symmetric: number;
  readonly tol_rel?: number;
  readonly tol_rel_symmetric?: number;
  readonly tol_abs?: number;
  readonly tol_stats?: number;
}

async function checkFid(golden: Golden, one: FidCase): Promise<string | undefined> {
  const fromFile = async (file: string | undefined) =>
    file === undefined ? undefined : readStatistics(await readFile(join(golden.folder, file)), file);
  const [storedA, storedB] = [await fromFile(one.stats), await fromFile(one.ref)];
  const computedA =
    one.features === undefined ? undefined : await inShards(golden, one.features, one.dim, one.batch);
  const computedB =
    one.features_ref === undefined ? undefined : await inShards(golden, one.features_ref, one.dim, one.batch);

  const problems: (string | undefined)[] = [];
  const compare = (what: string, ours: ArrayLike<number>, theirs: ArrayLike<number>) =>
    problems.push(within(what, mixedError(ours, theirs), one.tol_stats));
  for (const [ours, theirs] of [
    [computedA, storedA],
    [computedB, storedB],
  ])
    if (ours && theirs) {
      compare('mu', ours.mu, theirs.mu);
      compare('sigma', ours.sigma, theirs.sigma);
    }
  if (computedA && one.mu !== undefined) compare('mu', computedA.mu, golden.array(one.mu));
  if (computedA && one.sigma_diag !== undefined) {
    const { sigma } = computedA;
    const diagonal = computedA.mu.map((_, i) => sigma[i * one.dim + i]!);
    compare('diagonal of sigma', diagonal, golden.array(one.sigma_diag));
  }
  if (computedA && one.sigma_row0 !== undefined)
    compare('first row of sigma', computedA.sigma.subarray(0, one.dim), golden.array(one.sigma_row0));

  const pairs = [
    [computedA, computedB],
    [storedA, storedB],
  ].flatMap(([a, b]) => (a && b ? [[a, b] as const] : []));
  const products = await openDoubleProducts();
  const distances = [];
  for (const [a, b] of pairs)
    distances.push(await frechetDistance(a, b), await frechetDistance(a, b, products));
  await products.close();
  if (distances.length === 0) return 'names neither features nor statistics of both sets';
  for (const distance of distances) {
    if (one.tol_abs !== undefined) problems.push(within('fid', Math.abs(distance - one.fid), one.tol_abs));
    else
      problems.push(
        within('fid', relative(distance, one.fid), one.tol_rel),
        within('symmetric fid', relative(distance, one.fid_symmetric), one.tol_rel_symmetric),
      );
  }
  return firstOf(problems);
}

/** Statistics of features that come in batches: no split may change a bit. */
async function inShards(golden: Golden, key: string, dim: number, batch = 32): Promise<Statistics> {
  const features = Float32Array.from(golden.array(key));
  const shards = [];
  for (let start = 0; start < features.length; start += batch * dim)
    shards.push({ dim, data: features.subarray(start, start + batch * dim) });
  const whole = await statistics([{ dim, data: features }]);
  const cut = await statistics(shards);
  const same = (a: Float64Array, b: Float64Array) => a.every((value, i) => Object.is(value, b[i]));
  if (!same(whole.mu, cut.mu) || !same(whole.sigma, cut.sigma))
    throw new Error(`statistics of "${key}" depend on how it was split into batches`);
  return cut;
}

interface KidCase {
  readonly id: string;
  readonly dim: number;
  readonly x: string;
  readonly y: string;
  readonly kid: number;
  readonly kid_same_set?: number;
  readonly subsets?: readonly { readonly x: number[]; readonly y: number[]; readonly kid: number }[];
  readonly kid_subset_mean?: number;
  readonly tol_rel: number;
}

async function checkKid(golden: Golden, one: KidCase): Promise<string | undefined> {
  const [x, y] = [featureSet(golden, one.x, one.dim), featureSet(golden, one.y, one.dim)];
  const products = await openDoubleProducts();
  const problems: (string | undefined)[] = [];
  for (const multiplied of [{}, products]) {
    const compare = async (what: string, a: FeatureSet, b: FeatureSet, expected: number) => {
      const { kid: found } = await kid(a, b, multiplied);
      problems.push(within(what, relative(found, expected), one.tol_rel));
      return found;
    };
    await compare('kid', x, y, one.kid);
    if (one.kid_same_set !== undefined) await compare('kid of a set with itself', x, x, one.kid_same_set);
    const values: number[] = [];
    for (const [i, subset] of (one.subsets ?? []).entries())
      values.push(await compare(`kid of subset ${i}`, rowsOf(x, subset.x), rowsOf(y, subset.y), subset.kid));
    if (one.kid_subset_mean !== undefined) {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      problems.push(within('mean over subsets', relative(mean, one.kid_subset_mean), one.tol_rel));
    }
  }
  await products.close();
  return firstOf(problems);
}

interface PrdcCase {
  readonly id: string;
  readonly dim: number;
  readonly nearest_k: number;
  readonly real: string;
  readonly fake: string;
  readonly radii_real: string;
  readonly realism: string;
  readonly precision: number;
  readonly recall: number;
  readonly density: number;
  readonly coverage: number;
  readonly tol: number;
}

async function checkPrdc(golden: Golden, one: PrdcCase): Promise<string | undefined> {
  const [real, fake] = [featureSet(golden, one.real, one.dim), featureSet(golden, one.fake, one.dim)];
  const products = await openDoubleProducts();
  const ours = await prdc(real, fake, one.nearest_k);
  const multiplied = await prdc(real, fake, one.nearest_k, products);
  await products.close();
  const scores = (['precision', 'recall', 'density', 'coverage'] as const).map((score) =>
    within(score, mixedError([ours[score]], [one[score]]), one.tol),
  );
  return firstOf([
    isDeepStrictEqual(multiplied, ours) ? undefined : 'products by ONNX Runtime change its bits',
    ...scores,
    within('radii', mixedError(ours.radii, golden.array(one.radii_real)), one.tol),
    within('realism', mixedError(ours.realism, golden.array(one.realism)), one.tol),
  ]);
}

interface NpzContent {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values_c_order: readonly (number | boolean | string)[];
}

async function checkNpz(
  golden: Golden,
  file: string,
  content: Readonly<Record<string, NpzContent>>,
): Promise<string | undefined> {
  const arrays = await readNpz(await readFile(join(golden.folder, file)), file);
  const [found, expected] = [Object.keys(arrays).sort().join(', '), Object.keys(content).sort().join(', ')];
  if (found !== expected) return `holds ${found}, not ${expected}`;
  return firstOf(Object.entries(content).map(([name, wanted]) => differs(name, arrays[name]!, wanted)));
}

function differs(name: string, array: NpyArray, wanted: NpzContent): string | undefined {
  if (array.dtype !== wanted.dtype) return `${name} is ${array.dtype}, not ${wanted.dtype}`;
  if (array.shape.join() !== wanted.shape.join())
    return `${name} has shape [${array.shape}], not [${wanted.shape}]`;
  const ours = Array.from(array.data, Number);
  const at = wanted.values_c_order.findIndex((value, i) => !Object.is(ours[i], Number(value)));
  return at < 0 && ours.length === wanted.values_c_order.length
    ? undefined
    : `${name}[${at}] is ${ours[at]}, not ${wanted.values_c_order[at]}`;
}

const featureSet = (golden: Golden, key: string, dim: number): FeatureSet => ({
  dim,
  data: Float32Array.from(golden.array(key)),
});

const rowsOf = ({ dim, data }: FeatureSet, rows: readonly number[]): FeatureSet => ({
  dim,
  data: Float32Array.from(rows.flatMap((row) => [...data.subarray(row * dim, (row + 1) * dim)])),
});

const relative = (ours: number, theirs: number) => Math.abs(ours - theirs) / Math.abs(theirs);

/** What is wrong with an error above its tolerance, or undefined. A case without that tolerance is an error in itself. */
function within(what: string, error: number, tolerance: number | undefined): string | undefined {
  if (tolerance === undefined) return `${what}: the index states no tolerance`;
  return error <= tolerance ? undefined : `${what} is off by ${error}, tolerance ${tolerance}`;
}

const firstOf = (problems: readonly (string | undefined)[]) =>
  problems.find((problem) => problem !== undefined);
