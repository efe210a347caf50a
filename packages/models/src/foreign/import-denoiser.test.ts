import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EdmCheckpoint } from '../checkpoints/checkpoint.js';
import { readEdmCheckpoint } from '../checkpoints/edm-checkpoint.js';
import { type DenoiserRequest, type DenoiserResult, openDenoiser } from '../denoiser.js';
import { type ExportedDenoiser, exportDenoiser } from '../export-denoiser.js';
import { denoise, type Preconditioning } from '../networks/preconditioning.js';
import { encodeOnnx, type OnnxModel, type OnnxType, onnxTypes } from '../onnx/onnx-model.js';
import { type GraphValue, OnnxOps } from '../onnx/onnx-ops.js';
import { externalFiles } from '../onnx/open-onnx.js';
import { importDenoiser, type OnnxDenoiserOptions, parseOnnxDenoiser } from './import-denoiser.js';

const digitsPath = new URL('../../../../experiments/digits/digits-edm.pkl', import.meta.url).pathname;
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_ONNX', message: expect.stringMatching(message) });

async function evaluate(
  { graph, info }: ExportedDenoiser,
  request: DenoiserRequest,
): Promise<DenoiserResult> {
  const denoiser = await openDenoiser(graph, info);
  try {
    return await denoiser.evaluate(request);
  } finally {
    await denoiser.close();
  }
}

/** Largest difference over the largest value. */
function relativeError(found: Float64Array, expected: Float64Array): number {
  expect(found).toHaveLength(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0) / largest;
}

let digits: EdmCheckpoint;
let ours: ExportedDenoiser;
beforeAll(async () => {
  digits = await readEdmCheckpoint(digitsPath);
  ours = exportDenoiser(digits);
});

const sigmas = Float64Array.of(0.002, 0.03, 0.5, 2, 10, 80);
const N = sigmas.length;
const request: DenoiserRequest = {
  x: Float64Array.from({ length: N * 1024 }, (_, i) => {
    const sigma = sigmas[Math.floor(i / 1024)]!;
    return 0.5 * Math.sin(i * 0.05) + sigma * Math.sin(i * i * 0.37);
  }),
  sigma: sigmas,
  labels: Array.from(sigmas, (_, n) => n),
};

/** Noise levels of a training, those above among them. */
const levels = [...sigmas].flatMap((sigma, i) => [sigma, sigma * Math.sqrt((sigmas[i + 1] ?? 100) / sigma)]);
const alphas = levels.map((sigma) => 1 / (1 + sigma ** 2));

/** The operations, and any other operator. */
class Writing extends OnnxOps {
  op(op: string, inputs: readonly GraphValue[], shape: readonly number[], attributes = {}): GraphValue {
    return this.node(op, inputs, shape, attributes);
  }

  to(x: GraphValue, type: OnnxType): GraphValue {
    return this.op('Cast', [x], x.shape, { to: onnxTypes[type].code });
  }
}

type Predicts = 'eps' | 'v' | 'x0' | 'edm' | 'denoiser';

/** The digits' network as a file of a network that predicts that, under names that others write. */
function digitsFile(predicts: Predicts): Uint8Array {
  const ops = new Writing(digits.weights);
  const z = ops.input('sample', [1, 32, 32]);
  const told = ops.input('timestep', []);
  const labels = ops.input('y', [10]);
  const network = digits.forward;
  if (predicts === 'edm') {
    const { output, bottleneck } = network(ops, { x: z, noise: told, labels });
    return encodeOnnx(ops.model({ out_sample: output, mid: bottleneck! })).graph;
  }
  const discrete = predicts !== 'denoiser';
  const sigma = discrete
    ? ops.interpolate(
        ops.affine(told, -1, 0),
        levels.map((_, k) => -k),
        levels,
      )
    : told;
  const scale = ops.power(ops.affine(ops.multiply(sigma, sigma), 1, 1), -0.5);
  const x = discrete ? ops.multiply(z, ops.power(scale, -1)) : z;
  const inside = { x, sigma, labels };
  const settings = { preconditioning: digits.preconditioning, channels: 1 };
  const { denoised, bottleneck } = denoise(ops, network, settings, inside);
  const difference = ops.add(x, ops.affine(denoised, -1, 0));
  const eps = ops.multiply(difference, ops.power(sigma, -1));
  const outputs = {
    eps,
    v: ops.add(
      ops.multiply(eps, scale),
      ops.multiply(denoised, ops.affine(ops.multiply(sigma, scale), -1, 0)),
    ),
    x0: denoised,
    denoiser: denoised,
  };
  return encodeOnnx(ops.model({ out_sample: outputs[predicts], mid: bottleneck! })).graph;
}

const preconditionings: Record<Predicts, Preconditioning> = {
  eps: { type: 'ldm', alphasCumprod: alphas, predicts: 'eps' },
  v: { type: 'ldm', alphasCumprod: alphas, predicts: 'v' },
  x0: { type: 'ldm', alphasCumprod: alphas, predicts: 'x0' },
  edm: { type: 'edm', sigmaData: 0.5 },
  denoiser: { type: 'denoiser' },
};

describe('one denoiser', () => {
  it.each(Object.keys(preconditionings) as Predicts[])(
    'is the same from a network that predicts %s',
    async (predicts) => {
      const preconditioning = preconditionings[predicts];
      const imported = parseOnnxDenoiser(digitsFile(predicts), { preconditioning, bottleneck: 'mid' });
      expect(imported.info).toMatchObject({
        channels: 1,
        resolution: 32,
        labelDim: 10,
        bottleneck: true,
      });
      const expected = await evaluate(ours, request);
      const found = await evaluate(imported, request);
      // at σ = 0.002 float32 has ln(1 + σ²) to 1.5 % only, and with it the time
      const close = predicts === 'edm' || predicts === 'denoiser' ? 1e-6 : 5e-5;
      expect(relativeError(found.denoised, expected.denoised)).toBeLessThan(close);
      expect(relativeError(found.bottleneck, expected.bottleneck)).toBeLessThan(5e-4);
      const others = { eps: 'v', v: 'x0', x0: 'eps', edm: 'denoiser', denoiser: 'edm' } as const;
      const preconditioned = { preconditioning: preconditionings[others[predicts]] };
      const wrong = await evaluate(parseOnnxDenoiser(digitsFile(predicts), preconditioned), request);
      expect(relativeError(wrong.denoised, expected.denoised) < 0.01).toBe(false);
    },
  );

  it('is the same, bit for bit, from the file that was made of it', async () => {
    const again = parseOnnxDenoiser(ours.graph, { preconditioning: { type: 'denoiser' } });
    expect(again.info).toEqual(ours.info);
    expect(await evaluate(again, request)).toEqual(await evaluate(ours, request));
  });
});

/** A network of one line: the image times `gain`, plus the noise as it is told, plus ten times the class. */
interface Small {
  readonly noise?: { readonly type?: OnnxType; readonly shape?: readonly (number | string)[] };
  readonly labels?: 'one-hot' | 'numbers';
  readonly batch?: number | string;
  readonly type?: OnnxType;
  readonly channels?: number;
  /** A prompt's tokens, whose sum comes to it. */
  readonly prompt?: { readonly type?: OnnxType; readonly shape?: readonly (number | string)[] };
  readonly change?: (model: OnnxModel) => OnnxModel;
}

const R = 8;
function small({
  noise = {},
  labels,
  batch = 'n',
  type = 'float32',
  channels = 1,
  prompt,
  change,
}: Small = {}) {
  const ops = new Writing({});
  const sample = ops.to({ name: 'sample', shape: [1, R, R] }, 'float32');
  const column = ops.op(
    'Reshape',
    [
      { name: 'timestep', shape: [] },
      { name: 'column', shape: [] },
    ],
    [1, 1, 1],
  );
  const terms = [ops.affine(sample, 0.5, 0), ops.to(column, 'float32')];
  if (labels) {
    const given = ops.to({ name: 'y', shape: [] }, 'float32');
    const tens = { name: 'tens', shape: [3, 1] };
    const told = labels === 'numbers' ? ops.affine(given, 10, 0) : ops.op('MatMul', [given, tens], [1]);
    terms.push(ops.op('Reshape', [told, { name: 'column', shape: [] }], [1, 1, 1]));
  }
  if (prompt) {
    const given = ops.to({ name: 'encoder_hidden_states', shape: [] }, 'float32');
    const sum = ops.op('ReduceSum', [given, { name: 'axes', shape: [] }], [], { keepdims: 0 });
    terms.push(ops.op('Reshape', [sum, { name: 'column', shape: [] }], [1, 1, 1]));
  }
  const one = terms.reduce((sum, term) => ops.op('Add', [sum, term], [1, R, R]));
  const all = ops.concat(Array.from({ length: channels }, (_, c) => ops.affine(one, 1, 100 * c)));
  const model = ops.model({ prediction: ops.to(all, type) });
  const integers = (name: string, ...values: bigint[]) =>
    ({ name, type: 'int64', shape: [values.length], data: () => BigInt64Array.from(values) }) as const;
  const numbers = integers('column', -1n, 1n, 1n, 1n);
  const axes = integers('axes', 1n, 2n);
  const tens = {
    name: 'tens',
    type: 'float32',
    shape: [3, 1],
    data: () => Float32Array.of(0, 10, 20),
  } as const;
  const whole: OnnxModel = {
    ...model,
    inputs: [
      { name: 'sample', type, shape: [batch, 1, R, R] },
      { name: 'timestep', type: noise.type ?? 'float32', shape: noise.shape ?? [batch] },
      ...(labels === 'one-hot' ? [{ name: 'y', type: 'float32', shape: [batch, 3] } as const] : []),
      ...(labels === 'numbers' ? [{ name: 'y', type: 'int64', shape: [batch] } as const] : []),
      ...(prompt
        ? [{ name: 'encoder_hidden_states', type: 'float32', shape: [batch, 2, 3], ...prompt } as const]
        : []),
    ],
    outputs: [{ name: 'prediction', type, shape: [batch, channels, R, R] }],
    initializers: [...model.initializers, numbers, axes, tens],
  };
  return encodeOnnx(change ? change(whole) : whole).graph;
}

/** D of three samples of the small network, the first pixel of each, as a denoiser itself. */
async function firstPixels(
  file: Uint8Array,
  options: Partial<OnnxDenoiserOptions> = {},
  labels?: (number | null)[],
): Promise<number[]> {
  const imported = parseOnnxDenoiser(file, { preconditioning: { type: 'denoiser' }, ...options });
  const { denoised } = await evaluate(imported, {
    x: Float64Array.from({ length: 3 * R * R }, (_, i) => 2 * Math.floor(i / (R * R)) + (i % (R * R)) / 128),
    sigma: Float64Array.of(3, 4, 5),
    ...(labels && { labels }),
  });
  expect(denoised).toHaveLength(3 * R * R);
  return [0, 1, 2].map((n) => denoised[n * R * R]!);
}

describe('what a file is given', () => {
  it.each([[['n']], [['n', 1]], [['n', 1, 1, 1]], [['k']]])('noise as %j', async (shape) => {
    expect(await firstPixels(small({ noise: { shape } }))).toEqual([3, 5, 7]);
  });

  it.each(['float16', 'float64', 'float32'] as const)('noise as %s', async (type) => {
    expect(await firstPixels(small({ noise: { type } }))).toEqual([3, 5, 7]);
  });

  it('one noise for all: then one sample at a time', async () => {
    for (const shape of [[], [1]]) {
      const file = small({ noise: { shape } });
      expect(parseOnnxDenoiser(file, { preconditioning: { type: 'denoiser' } }).info.batch).toBe(1);
      expect(await firstPixels(file)).toEqual([3, 5, 7]);
    }
  });

  it.each([1, 2, 3, 5])('batches of %i alone', async (batch) => {
    const file = small({ batch, labels: 'numbers' });
    const options = { classes: 3 };
    expect(parseOnnxDenoiser(file, { preconditioning: { type: 'denoiser' }, ...options }).info.batch).toBe(
      batch,
    );
    expect(await firstPixels(file, options, [1, 0, 2])).toEqual([13, 5, 27]);
  });

  it('classes one-hot, zeros for none', async () => {
    expect(await firstPixels(small({ labels: 'one-hot' }), {}, [2, null, 1])).toEqual([23, 5, 17]);
  });

  it('classes as numbers, the one after the last for none', async () => {
    const file = small({ labels: 'numbers' });
    expect(await firstPixels(file, { classes: 3 }, [2, null, 1])).toEqual([23, 35, 17]);
    expect(() => parseOnnxDenoiser(file, { preconditioning: { type: 'denoiser' } })).toThrow(
      refusal(/told the numbers of classes as y, and not how many there are: add classes/),
    );
  });

  it.each(['float16', 'bfloat16', 'float64'] as const)('images of %s', async (type) => {
    expect(await firstPixels(small({ type }))).toEqual([3, 5, 7]);
    expect(await firstPixels(small({ type, noise: { type } }))).toEqual([3, 5, 7]);
  });

  it.each([
    ['of sizes that it tells', {}, undefined],
    ['of float16', { type: 'float16' }, undefined],
    ['of open sizes', { shape: ['n', 'positions', 3] }, { positions: 2, width: 3 }],
    ['of none at all', { shape: ['n', 'positions', 'width'] }, { positions: 2, width: 3 }],
  ] as const)('a prompt %s', async (_, prompt, condition) => {
    const file = small({ prompt });
    const imported = parseOnnxDenoiser(file, { ...plain, ...(condition && { condition }) });
    expect(imported.info.condition).toEqual({ positions: 2, width: 3 });
    const { denoised } = await evaluate(imported, {
      x: new Float64Array(2 * R * R),
      sigma: Float64Array.of(3, 4),
      condition: Float64Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60),
    });
    expect([denoised[0], denoised[R * R]]).toEqual([24, 214]);
    if (condition) expect(() => parseOnnxDenoiser(file, plain)).toThrow(refusal(/add condition\.positions/));
    if (!('shape' in prompt))
      expect(() => parseOnnxDenoiser(file, { ...plain, condition: { width: 4 } })).toThrow(
        refusal(/has 3 for condition\.width, not 4/),
      );
  });

  it('a variance beside the image, which is dropped', async () => {
    expect(await firstPixels(small({ channels: 2 }))).toEqual([3, 5, 7]);
    const open = small({
      channels: 2,
      change: (model) => ({
        ...model,
        outputs: [{ name: 'prediction', type: 'float32', shape: ['n', 'c', 'h', 'w'] }],
      }),
    });
    expect(await firstPixels(open)).toEqual([3, 5, 7]);
    expect(() =>
      parseOnnxDenoiser(small({ channels: 3 }), { preconditioning: { type: 'denoiser' } }),
    ).toThrow(
      refusal(/output prediction: float32 \[n, 3, 8, 8\] is no image of 1 channels, or twice as many/),
    );
  });

  it('whole times: the nearest of training', async () => {
    // σ 3 is between the times of 2 and 10, in whole times 6 and 8; 1e-9 and 1e9 are beyond the ends
    const file = small({ noise: { type: 'int64' } });
    const preconditioning = preconditionings.x0;
    const imported = parseOnnxDenoiser(file, { preconditioning });
    const sigma = Float64Array.of(levels[3]!, levels[3]! * 1.02, 1e-3, 1e6);
    const { denoised } = await evaluate(imported, { x: new Float64Array(4 * R * R), sigma });
    expect([0, 1, 2, 3].map((n) => denoised[n * R * R])).toEqual([3, 3, 0, levels.length - 1]);
    expect(() => parseOnnxDenoiser(file, { preconditioning: { type: 'edm', sigmaData: 0.5 } })).toThrow(
      refusal(/timestep is told whole numbers/),
    );
  });
});

const plain = { preconditioning: { type: 'denoiser' } } as const;

describe('a bottleneck', () => {
  const withMap = (shape: readonly (number | string)[], type: OnnxType = 'float32') =>
    small({
      change: (model) => ({ ...model, outputs: [...model.outputs, { name: 'mid', type, shape }] }),
    });
  /** A feature map of as many channels, the k-th k times the image, under the name `map`. */
  function mapFile(channels: number, output: readonly (number | string)[]): Uint8Array {
    const ops = new Writing({});
    const x = ops.input('sample', [1, R, R]);
    ops.input('timestep', []);
    const map = ops.concat(Array.from({ length: channels }, (_, k) => ops.affine(x, k + 1, 0)));
    const shape = { name: 'shape', type: 'int64', shape: [output.length] } as const;
    const sizes = output.map((n) => BigInt(typeof n === 'number' ? n : -1));
    const reshaped = ops.op('Reshape', [map, shape], []);
    const model = ops.model({ prediction: x, map: reshaped });
    return encodeOnnx({
      ...model,
      outputs: [model.outputs[0]!, { name: 'map', type: 'float32', shape: output }],
      initializers: [...model.initializers, { ...shape, data: () => BigInt64Array.from(sizes) }],
    }).graph;
  }

  it.each([
    [1, ['n', 8, 8]],
    [1, ['n', 64]],
    [1, ['n', 1, 8, 8]],
    [3, ['n', 3, 8, 8]],
  ] as const)('of %i channels as %j', async (channels, shape) => {
    const imported = parseOnnxDenoiser(mapFile(channels, shape), { ...plain, bottleneck: 'map' });
    const x = Float64Array.from({ length: 2 * R * R }, (_, i) => i);
    const { bottleneck } = await evaluate(imported, { x, sigma: 1 });
    const mean = (channels + 1) / 2;
    expect(
      relativeError(
        bottleneck,
        x.map((value) => mean * value),
      ),
    ).toBeLessThan(1e-6);
  });

  it('is taken where it goes by that name, and missing where there is none', async () => {
    expect(parseOnnxDenoiser(ours.graph, plain).info.bottleneck).toBe(true);
    expect(parseOnnxDenoiser(small(), plain).info.bottleneck).toBe(false);
    const { bottleneck } = await evaluate(parseOnnxDenoiser(small(), plain), {
      x: new Float64Array(R * R),
      sigma: 1,
    });
    expect(bottleneck).toHaveLength(0);
  });

  it.each([
    [
      withMap(['n', 16, 16]),
      /\[n, 8, 8\], \[n, 64\] or \[n, k, 8, 8\], .* mid: float32 \[n, 16, 16\] is not/,
    ],
    [withMap(['n', 'k', 8, 8]), /with sizes that the file tells/],
    [withMap(['n', 8, 8], 'int64'), /mid: int64/],
    [small(), /no value "mid" whose shape it tells/],
  ])('of another shape is refused', (file, message) => {
    expect(() => parseOnnxDenoiser(file, { ...plain, bottleneck: 'mid' })).toThrow(refusal(message));
  });
});

describe('weights of half precision', () => {
  const side = 32;
  it.each([
    ['float16', 0x3e00, 0xc000],
    ['bfloat16', 0x3fc0, 0xc000],
  ] as const)('%s, within the file and beside it', async (type, threeHalves, minusTwo) => {
    const ops = new Writing({});
    const x = ops.input('sample', [1, side, side]);
    ops.input('timestep', []);
    const gains = ops.to({ name: 'gains', shape: [side, side] }, 'float32');
    const model = ops.model({ denoised: ops.op('Mul', [x, gains], x.shape) });
    const data = () => Uint16Array.from({ length: side ** 2 }, (_, i) => (i % 2 ? minusTwo : threeHalves));
    const weights = { name: 'gains', type, shape: [side, side], data } as const;
    const whole = { ...model, initializers: [...model.initializers, weights] };

    const request = { x: Float64Array.from({ length: side ** 2 }, (_, i) => i), sigma: 1 };
    const expected = request.x.map((value, i) => value * (i % 2 ? -2 : 1.5));
    const within = parseOnnxDenoiser(encodeOnnx(whole).graph, plain);
    expect((await evaluate(within, request)).denoised).toEqual(expected);

    const folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
    const path = join(folder, 'model.onnx');
    const { graph, external } = encodeOnnx(whole, { inlineLimit: 0 });
    await writeFile(path, graph);
    await writeFile(join(folder, external!.name), Buffer.concat([...external!.parts]));
    expect((await evaluate(await importDenoiser(path, plain), request)).denoised).toEqual(expected);
    await rm(folder, { recursive: true });
  });
});

describe('a file that says too little', () => {
  const open = small({
    change: (model) => ({
      ...model,
      inputs: [{ name: 'sample', type: 'float32', shape: ['n', 'c', 'h', 'w'] }, model.inputs[1]!],
    }),
  });

  it('is told its sizes', async () => {
    expect(await firstPixels(open, { channels: 1, resolution: R })).toEqual([3, 5, 7]);
    expect(() => parseOnnxDenoiser(open, plain)).toThrow(refusal(/leaves a size open: add resolution/));
    expect(() => parseOnnxDenoiser(open, { ...plain, resolution: R })).toThrow(refusal(/add channels/));
    expect(() => parseOnnxDenoiser(small(), { ...plain, channels: 3 })).toThrow(
      refusal(/sample: float32 \[n, 1, 8, 8\] has 1 for channels, not 3/),
    );
  });

  it('is told which input is which, and what it has', async () => {
    const swap = (name: string) => ({ sample: 'picture', timestep: 'when' })[name] ?? name;
    const odd = small({
      change: (model) => ({
        ...model,
        inputs: model.inputs.map((one) => ({ ...one, name: swap(one.name) })),
        nodes: model.nodes.map((node) =>
          node instanceof Uint8Array ? node : { ...node, inputs: node.inputs.map(swap) },
        ),
      }),
    });
    expect(await firstPixels(odd, { inputs: { x: 'picture', noise: 'when' } })).toEqual([3, 5, 7]);
    const maps = 'it maps picture: float32 \\[n, 1, 8, 8\\], when: float32 \\[n\\] to prediction';
    for (const [inputs, message] of [
      [{}, 'usual name for the noisy image .*: name it as inputs.x; '],
      [{ x: 'picture' }, 'usual name for the noise .*: name it as inputs.noise; '],
      [{ x: 'picture', noise: 'then' }, 'no input "then" for inputs.noise; '],
    ] as const)
      expect(() => parseOnnxDenoiser(odd, { ...plain, inputs })).toThrow(refusal(new RegExp(message + maps)));
    expect(() => parseOnnxDenoiser(odd, { ...plain, inputs: { x: 'when', noise: 'when' } })).toThrow(
      refusal(/one input stands for two things/),
    );
    expect(() =>
      parseOnnxDenoiser(small(), { ...plain, inputs: { x: 'timestep', noise: 'sample' } }),
    ).toThrow(refusal(/an image \[n, C, R, R\] is expected, and timestep: float32 \[n\] is none/));
  });

  it('is told which output counts, and none is left over', () => {
    const two = small({
      change: (model) => ({
        ...model,
        outputs: [...model.outputs, { ...model.outputs[0]!, name: 'Cast_0' }],
      }),
    });
    expect(() => parseOnnxDenoiser(two, plain)).toThrow(refusal(/not clear: name it as output/));
    expect(parseOnnxDenoiser(two, { ...plain, output: 'prediction' }).info.channels).toBe(1);
    expect(() => parseOnnxDenoiser(two, { ...plain, output: 'nothing' })).toThrow(
      refusal(/no output "nothing"/),
    );
    const more = small({
      change: (model) => ({ ...model, inputs: [...model.inputs, { ...model.inputs[1]!, name: 'added' }] }),
    });
    expect(() => parseOnnxDenoiser(more, plain)).toThrow(refusal(/nothing gives its input added/));
  });
});

describe('a file that does not do', () => {
  it('for its old operators is refused, with what helps', () => {
    const old = small({ change: (model) => ({ ...model, opset: 12 }) });
    expect(() => parseOnnxDenoiser(old, plain)).toThrow(
      refusal(/opset 12, and 13 or later is needed: export it/),
    );
  });

  it.each([13, 14, 16, 18, 20, 21])('keeps its operators’ version: %i', async (opset) => {
    expect(await firstPixels(small({ change: (model) => ({ ...model, opset }) }))).toEqual([3, 5, 7]);
  });

  it('for fixed batches that differ', () => {
    expect(() => parseOnnxDenoiser(small({ batch: 2, noise: { shape: [] } }), plain)).toThrow(
      refusal(/fixed batches that differ .*dynamic_axes/),
    );
  });

  it.each([
    ['a node that reads its own output', { op: 'Add', inputs: ['loop', 'sample'], outputs: ['loop'] }],
    ['a value that nothing makes', { op: 'Add', inputs: ['nowhere', 'sample'], outputs: ['loop'] }],
    ['an operator that there is not', { op: 'Divine', inputs: ['sample'], outputs: ['loop'] }],
    ['shapes that do not fit', { op: 'MatMul', inputs: ['sample', 'column'], outputs: ['loop'] }],
  ])('for %s is refused by the runtime, as ours', async (_, node) => {
    const file = small({
      change: (model) => ({
        ...model,
        nodes: [
          ...model.nodes.slice(0, -1),
          { ...node, attributes: {} },
          {
            op: 'Identity',
            inputs: ['loop'],
            outputs: ['prediction'],
            attributes: {},
          },
        ],
      }),
    });
    await expect(firstPixels(file)).rejects.toThrow(
      expect.objectContaining({
        code: 'E_ENGINE',
        message: expect.stringMatching(/ONNX Runtime (refuses|failed)/),
      }),
    );
  });

  it('for its end, that is missing, is refused at whatever byte it was cut', () => {
    const file = small();
    const read = Array.from({ length: file.length }, (_, length) => length).filter((length) => {
      try {
        parseOnnxDenoiser(file.slice(0, length), plain);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_ONNX' });
        return false;
      }
    });
    expect(read).toEqual([]);
  });
});

describe('weights in files beside it', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fewstep-onnx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The digits with all large weights outside, in a file of that name. */
  function outside(externalName: string) {
    const ops = new OnnxOps(digits.weights);
    const x = ops.input('x', [1, 32, 32]);
    const sigma = ops.input('sigma', []);
    const labels = ops.input('class_labels', [10]);
    const settings = { preconditioning: digits.preconditioning, channels: 1 };
    const { denoised, bottleneck } = denoise(ops, digits.forward, settings, { x, sigma, labels });
    const model = ops.model({ denoised, bottleneck: bottleneck! });
    return encodeOnnx(model, { externalName, inlineLimit: 0 });
  }

  it('are read as those within', async () => {
    const { graph, external } = outside('model.onnx.data');
    const path = join(folder, 'model.onnx');
    await writeFile(path, graph);
    expect(externalFiles(path)).toEqual(['model.onnx.data']);
    await expect(importDenoiser(path, plain)).rejects.toThrow(/model\.onnx\.data can't be read/);
    const bytes = Buffer.concat([...external!.parts]);
    await writeFile(join(folder, external!.name), bytes.subarray(0, -1));
    await expect(importDenoiser(path, plain)).rejects.toThrow(
      refusal(
        /model\.onnx: model\.onnx\.data has \d+ bytes, and weights up to byte \d+ are said to be there/,
      ),
    );
    await writeFile(join(folder, external!.name), bytes);
    const imported = await importDenoiser(path, plain);
    expect(imported.external).toBeUndefined();
    expect(await evaluate(imported, request)).toEqual(await evaluate(ours, request));
    expect(() => parseOnnxDenoiser(graph, plain)).toThrow(refusal(/in another file, model\.onnx\.data/));
  });

  it.each(['../weights.bin', '/etc/passwd', 'a/b', 'a\\b', '..', '', 'c:weights', 'a\0b'])(
    'are never looked for elsewhere: %j',
    async (name) => {
      const path = join(folder, 'hostile.onnx');
      await writeFile(path, outside(name).graph);
      await expect(importDenoiser(path, plain)).rejects.toThrow(refusal(/no plain name of a file beside/));
    },
  );
});

it('has the range of a table of noise levels, its 0 aside', () => {
  const preconditioning: Preconditioning = { type: 'iddpm', levels: [100, 10, 0.5, 0] };
  const { info } = parseOnnxDenoiser(digitsFile('edm'), { preconditioning, bottleneck: 'mid' });
  expect(info).toMatchObject({ sigmaMin: 0.5, sigmaMax: 100, noiseLevels: [100, 10, 0.5, 0] });
});
