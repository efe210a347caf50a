import type { FeatureNetwork } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import { featuresOf, writeScale } from './feature-view.js';
import type { featureScale as kind } from './kinds.js';
import { shapeOf } from './load-denoiser.js';
import { noFeaturesOfLatents, readInfo } from './model-info.js';
import { openFeatures } from './open-features.js';
import { readGoals, valuesSeen } from './open-targets.js';

/** How much a teacher's samples vary, in pixels and in what a network sees of them: what a loss on both is in units of. */
export const run: Run<typeof kind> = async (context) => {
  const { inputs, dir } = context;
  const info = await readInfo(inputs);
  const refused = (why: string) =>
    new RunnerError('E_FEATURES', why, { evidence: { network: inputs.network } });
  if (info.decoder) throw refused(`train.loss: ${noFeaturesOfLatents}`);
  const shape = shapeOf(info);
  const size = shape[0] * shape[1] * shape[2];
  const goals = await readGoals(inputs.targets);
  const n = goals.length / size;
  const pixels = Float64Array.from(await valuesSeen(info)(goals, n));
  const network = await openFeatures(context);
  const features = await featuresOf(network, shape, pixels, n);
  const scale = { pixels: variance(pixels, n), features: variance(features, n) };
  if (!(scale.features > 0 && Number.isFinite(scale.features)))
    throw refused(
      `train.feature_network: ${inputs.network} ${scale.features === 0 ? 'sees the same in all of the teacher’s samples' : 'sees what are no numbers'}, so that nothing can be fitted to it: take another network, or loss: l2.`,
    );
  if (await isRounding(network, shape, pixels, n))
    throw refused(
      `train.feature_network: ${inputs.network} sees the same in images that differ by a quarter of a grey level, so it rounds them to 8 bits, and has no slope to follow: take it without that step, or another network.`,
    );
  return { files: { scale: await writeScale(dir, scale) }, meta: { images: n } };
};

/** Whether images a little beyond whole grey levels are to a network what those are. */
async function isRounding(
  network: FeatureNetwork,
  shape: readonly [number, number, number],
  pixels: Float64Array,
  n: number,
): Promise<boolean> {
  const whole = pixels.map((x) => Math.round(Math.min(0.99, x) * 127.5 + 127.5));
  const seenIn = (levels: Float64Array) =>
    featuresOf(
      network,
      shape,
      levels.map((level) => (level - 127.5) / 127.5),
      n,
    );
  const moved = await seenIn(whole.map((level) => level + 0.25));
  return (await seenIn(whole)).every((value, i) => value === moved[i]);
}

/** Over n vectors, summed over their entries. */
function variance(vectors: ArrayLike<number>, n: number): number {
  const width = vectors.length / n;
  let sum = 0;
  for (let j = 0; j < width; j++) {
    let mean = 0;
    for (let i = 0; i < n; i++) mean += vectors[i * width + j]! / n;
    for (let i = 0; i < n; i++) sum += (vectors[i * width + j]! - mean) ** 2 / n;
  }
  return sum;
}
