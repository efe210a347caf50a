import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FeatureNetwork, openFeatureNetwork } from '@fewstep/models';
import { normalEquations, type TableFamily, within } from '@fewstep/solvers';
import { afterAll, beforeAll, expect, it } from 'vitest';
// what makes graphs, as it is built
import { encodeOnnx } from '../../../models/dist/onnx/onnx-model.js';
import { writeTensors } from './artifacts.js';
import { run as scale } from './feature-scale.js';
import { featureView, readScale } from './feature-view.js';

let dir: string;
const opened: FeatureNetwork[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-feature-view-'));
});
afterAll(async () => {
  for (const network of opened) await network.close();
  await rm(dir, { recursive: true });
});

/** The file of a network whose one feature is the mean of what operators make of grey levels [n, 1, 2, 2]. */
async function networkOf(
  name: string,
  ...operators: readonly (readonly [op: string, ...others: string[]])[]
) {
  const all = [...operators, ['GlobalAveragePool'] as const, ['Flatten'] as const];
  const nodes = all.map(([op, ...others], i) => ({
    op,
    inputs: [i === 0 ? 'images' : `v${i - 1}`, ...others],
    outputs: [i === all.length - 1 ? 'features' : `v${i}`],
    attributes: {},
  }));
  const value = (as: string, ...shape: number[]) =>
    ({ name: as, type: 'float32', shape: ['n', ...shape] }) as const;
  const { graph } = encodeOnnx({
    ...{ opset: 17, nodes, initializers: [] },
    inputs: [value('images', 1, 2, 2)],
    outputs: [value('features', 1)],
  });
  const path = join(dir, `${name}.onnx`);
  await writeFile(path, graph);
  return path;
}
const squares = () => networkOf('squares', ['Mul', 'images']);

const levelOf = (x: number) => 127.5 * Math.min(1, Math.max(-1, x)) + 127.5;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value / values.length, 0);
const featureOf = (sample: ArrayLike<number>) => mean(Array.from(sample, (x) => levelOf(x) ** 2));

it('sees pixels, and beside them what a network sees in what is not rounded, in units of pixels', async () => {
  const network = await openFeatureNetwork(await squares());
  opened.push(network);
  const of = { weight: 2, scale: { pixels: 3, features: 12 } };
  const view = featureView(network, [1, 2, 2], within([-1, 1]), of);
  const samples = [
    [-3, -0.501, 0.25, 0.9991],
    [1, 0, 0.001, -1],
  ];
  const seen = await view(Float64Array.from(samples.flat()), 2);
  expect([...seen.subarray(0, 4), ...seen.subarray(5, 9)]).toEqual([
    -1,
    ...samples[0]!.slice(1),
    ...samples[1]!,
  ]);
  expect(seen).toHaveLength(10);
  for (const [i, at] of [4, 9].entries())
    expect(seen[at]! / (Math.sqrt((2 * 3) / 12) * featureOf(samples[i]!))).toBeCloseTo(1, 6);

  // x = a z + b of one evaluation that answers 1: the derivatives are known
  const [a, b] = [0.3, 0.1];
  const family: TableFamily = {
    parameters: [a, b].map((start) => ({ name: '', start, step: 1e-3 })),
    table: (values) => ({ sigmas: [1], rows: [[1], [values[0]!, values[1]!]] }),
  };
  const noise = Float64Array.from({ length: 12 }, (_, i) => Math.sin(1 + i * i));
  const goals = noise.map((z, i) => 0.8 * z + 0.05 * Math.cos(i));
  const block = { noise, goal: await view(goals, 3), n: 3 };
  const { gradient, matrix } = await normalEquations(
    family,
    [a, b],
    block,
    async ({ x }) => ({ denoised: x.map(() => 1) }),
    view,
  );
  const expected = { gradient: [0, 0], matrix: [0, 0, 0, 0] };
  const add = (error: number, slopes: readonly [number, number]) => {
    for (const p of [0, 1]) {
      expected.gradient[p]! += slopes[p]! * error;
      for (const q of [0, 1]) expected.matrix[2 * p + q]! += slopes[p]! * slopes[q]!;
    }
  };
  for (let i = 0; i < 3; i++) {
    const z = [...noise.subarray(4 * i, 4 * i + 4)];
    const goal = goals.subarray(4 * i, 4 * i + 4);
    const x = z.map((one) => a * one + b);
    for (const [j, value] of x.entries()) add(value - goal[j]!, [z[j]!, 1]);
    const slope = (by: readonly number[]) =>
      mean(x.map((value, j) => Math.SQRT1_2 * 2 * levelOf(value) * 127.5 * by[j]!));
    add(Math.SQRT1_2 * (featureOf(x) - featureOf(goal)), [slope(z), slope([1, 1, 1, 1])]);
  }
  for (const key of ['gradient', 'matrix'] as const)
    for (const [i, value] of expected[key].entries())
      expect(Math.abs({ gradient, matrix }[key][i]! / value - 1)).toBeLessThan(0.01);
});

/** What a task says of a network, on samples of a teacher. */
async function scaleBy(network: string, samples: readonly (readonly number[])[], info: object = {}) {
  const folder = await mkdtemp(join(dir, 'task-'));
  const data = Float32Array.from(samples.flat());
  const targets = join(
    folder,
    await writeTensors(folder, 'targets.safetensors', {
      x: { dtype: 'F32', shape: [samples.length, 1, 2, 2], data },
    }),
  );
  await writeFile(join(folder, 'info.json'), JSON.stringify({ channels: 1, resolution: 2, ...info }));
  const { files } = await scale({
    params: {},
    inputs: { network, info: join(folder, 'info.json'), targets: [targets] },
    digests: { network: [network as never] },
    ...{ dir: folder, hints: {}, device: { type: 'cpu' }, progress: () => {} },
  });
  return readScale(join(folder, files.scale));
}

const samples = [
  [-1, -0.5, 0, 0.5],
  [0.5, 0.25, -0.25, 2],
  [-0.75, -1, 0.5, -2],
];
const varianceOf = (values: readonly number[]) => mean(values.map((value) => (value - mean(values)) ** 2));

it('is in units of how much both vary over a teacher’s samples', async () => {
  const { pixels, features } = await scaleBy(await squares(), samples);
  const clipped = samples.map((sample) => sample.map((x) => Math.min(1, Math.max(-1, x))));
  const ofPixels = [0, 1, 2, 3].map((j) => varianceOf(clipped.map((sample) => sample[j]!)));
  expect(pixels).toBeCloseTo(
    ofPixels.reduce((a, b) => a + b),
    12,
  );
  expect(features / varianceOf(samples.map(featureOf))).toBeCloseTo(1, 5);
});

it.each([
  [
    'rounds what it is shown',
    () => networkOf('rounding', ['Round']),
    {},
    /rounding\.onnx sees the same in images that differ by a quarter of a grey level/,
  ],
  ['cuts it off', () => networkOf('cutting', ['Floor']), {}, /differ by a quarter/],
  [
    'sees the same in all',
    () => networkOf('blind', ['Sub', 'images']),
    {},
    /blind\.onnx sees the same in all/,
  ],
  [
    'sees no numbers',
    () => networkOf('none', ['Sub', 'images'], ['Div', 'v0']),
    {},
    /none\.onnx sees what are no numbers/,
  ],
  ['is of pictures of latents', squares, { decoder: {} }, /denoises latents, each of which .* \(l2\)/],
])('refuses a network that %s', async (_, network, info, message) => {
  await expect(scaleBy(await network(), samples, info)).rejects.toMatchObject({
    ...{ code: 'E_FEATURES', exitCode: 2 },
    message: expect.stringMatching(message),
  });
});
