import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportFeatureNetwork, type FeatureResize, inceptionCheckpoint, type Tensors } from '@fewstep/models';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { differences } from './differences.js';
import type { Golden } from './golden.js';
import { hash, type WeightKey, weightsByFormula } from './inception-weights.js';
import { type Outcome, outcome } from './topic.js';

interface Noise {
  readonly f32_vs_f64_tf1: number;
  readonly f32_vs_f64_pytorchfid: number;
  readonly resize_f32_vs_f64: number;
}

interface WeightCheck {
  readonly first: readonly number[];
  readonly last: number;
  readonly sum: number;
}

export interface InceptionCase {
  readonly name: string;
  readonly io: { readonly path: string };
  readonly keys: { readonly path: string };
  /** What the official float32 run differs by, for each set of images. */
  readonly checks: Readonly<Record<string, Noise>>;
  readonly weight_checks: Readonly<Record<string, WeightCheck>>;
  readonly hash_checks: Readonly<Record<string, number>>;
}

const variants = {
  tf1: { resize: 'tensorflow', noise: 'f32_vs_f64_tf1' },
  pytorchfid: { resize: 'pytorch', noise: 'f32_vs_f64_pytorchfid' },
} as const satisfies Record<string, { resize: FeatureResize; noise: keyof Noise }>;

/** Three times the noise of the official float32 run, at least 3e-6; features of lower maps have no such figure. */
const boundOf = (noise = 0) => Math.max(3 * noise, 3e-6);

/** FID's Inception-v3 with weights by formula, on stored images: both ways to resize, and the lower feature maps. */
export async function inceptionCases(golden: Golden, one: InceptionCase): Promise<Outcome[]> {
  const arrays = await golden.tensors(one.io.path);
  const { keys }: { keys: readonly WeightKey[] } = JSON.parse(
    await readFile(join(golden.folder, one.keys.path), 'utf8'),
  );
  const weights = weightsByFormula(keys);
  const outcomes = [
    await outcome(`${one.name}/hash`, () => differentHashes(one.hash_checks)),
    await outcome(`${one.name}/weights`, () => differentWeights(weights, one.weight_checks)),
  ];
  for (const [variant, { resize, noise }] of Object.entries(variants)) {
    const { graph } = exportFeatureNetwork(inceptionCheckpoint(weights), { resize, parts: true });
    const session = await InferenceSession.create(graph);
    for (const [images, checks] of Object.entries(one.checks))
      outcomes.push(
        ...(
          await imageCases(session, arrays, images, [
            { array: `features_${variant}`, output: 'features', bound: boundOf(checks[noise]) },
            ...[64, 192, 768].map((width) => ({
              array: `features_${variant}_${width}`,
              output: `features_${width}`,
              bound: boundOf(),
            })),
            {
              array: `resized_${variant}_corner`,
              output: 'resized',
              part: corner,
              bound: boundOf(checks.resize_f32_vs_f64),
            },
            {
              array: `resized_${variant}_rowmean`,
              output: 'resized',
              part: rowMeans,
              bound: boundOf(checks.resize_f32_vs_f64),
            },
          ])
        ).map(({ id, ...rest }) => ({ id: `${one.name}/${id}`, ...rest })),
      );
    await session.release();
  }
  return outcomes;
}

/** An array of the golden figures, and the output of ours that it is, or a part of it. */
interface Figure {
  readonly array: string;
  readonly output: string;
  readonly part?: (output: Tensor, shape: readonly number[]) => Float64Array;
  readonly bound: number;
}

async function imageCases(
  session: InferenceSession,
  arrays: Tensors,
  images: string,
  figures: readonly Figure[],
) {
  const { data, shape } = arrays[`image_${images}`]!;
  const found = await session.run({ images: new Tensor('float32', Float32Array.from(data, Number), shape) });
  const outcomes: Outcome[] = [];
  for (const { array, output, part = whole, bound } of figures) {
    const expected = arrays[`${array}_${images}`];
    if (!expected) continue;
    outcomes.push(
      await outcome(`${array}_${images}`, () =>
        differences(
          part(found[output]!, expected.shape),
          Float64Array.from(expected.data, Number),
          new Array(shape[0]!).fill(bound),
        ),
      ),
    );
  }
  return outcomes;
}

const whole = ({ data }: Tensor) => Float64Array.from(data as Float32Array);

/** The first rows and last columns of each channel, as many as `shape` has. */
function corner({ data, dims }: Tensor, shape: readonly number[]): Float64Array {
  const [n, channels, rows, columns] = shape as [number, number, number, number];
  const [, , height, width] = dims as [number, number, number, number];
  return Float64Array.from({ length: n * channels * rows * columns }, (_, i) => {
    const map = Math.floor(i / (rows * columns));
    const row = Math.floor(i / columns) % rows;
    return Number(data[(map * height + row) * width + width - columns + (i % columns)]);
  });
}

function rowMeans({ data, dims }: Tensor): Float64Array {
  const width = dims.at(-1)!;
  return Float64Array.from({ length: data.length / width }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < width; column++) sum += Number(data[row * width + column]);
    return sum / width;
  });
}

/** `h(i,L)` by their names. */
function differentHashes(expected: InceptionCase['hash_checks']): string | undefined {
  const wrong = Object.entries(expected).filter(([name, value]) => {
    const [i, L] = name.match(/\d+/g)!.map(Number) as [number, number];
    return hash(i, L) !== value;
  });
  return wrong.length === 0 ? undefined : `other values of ${wrong.map(([name]) => name)}`;
}

function differentWeights(weights: Tensors, expected: InceptionCase['weight_checks']): string | undefined {
  const wrong = Object.entries(expected).filter(([key, { first, last, sum }]) => {
    const data = Float64Array.from(weights[key]!.data, Number);
    const total = data.reduce((before, value) => before + value, 0);
    return (
      `${[...data.slice(0, first.length), data.at(-1)]}` !== `${[...first, last]}` ||
      Math.abs(total - sum) > 1e-6
    );
  });
  return wrong.length === 0 ? undefined : `other values of ${wrong.map(([key]) => key)}`;
}
