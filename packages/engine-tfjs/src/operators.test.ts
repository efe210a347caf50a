import type { OnnxNode } from '@fewstep/models';
import { util } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openBackend } from './backend.js';
import { engine } from './engine.js';
import { encodeOnnx, openSession } from './models.test.support.js';
import type { TensorBackend } from './tensor-backends.js';

interface Input {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
  /** Part of the graph, not of the call. */
  readonly constant: boolean;
}

/** Values of the size of 1 that differ; with a batch of two where the first size is 2. */
const values = (shape: readonly number[], salt = 0) =>
  Float32Array.from({ length: util.sizeFromShape([...shape]) }, (_, i) => Math.sin(1.7 * i + salt));
const given = (...shape: number[]): Input => ({ shape, data: values(shape), constant: false });
const numbers = (shape: readonly number[], ...data: number[]): Input => ({
  shape,
  data: BigInt64Array.from(data, BigInt),
  constant: false,
});
const fixed = (shape: readonly number[], data: Iterable<number> = values(shape, 0.5)): Input => ({
  shape,
  data: Float32Array.from(data),
  constant: true,
});
const scalar = (value: number) => fixed([], [value]);
const positive = (...shape: number[]): Input => ({
  ...given(...shape),
  data: values(shape).map((v) => 1.5 + v),
});
const ints = (...data: number[]): Input => ({ ...numbers([data.length], ...data), constant: true });

type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>;
type Case = readonly [op: string, inputs: readonly (Input | '')[], attributes?: Attributes, outputs?: number];

/** One node, and beside each of its outputs the shape of that. */
function graphOf([op, inputs, attributes = {}, outputs = 1]: Case, type: 'float32' | 'int64') {
  const all = inputs.flatMap((input, i) => (input === '' ? [] : [{ name: `i${i}`, ...input }]));
  const typeOf = ({ data }: Input) => (data instanceof Float32Array ? 'float32' : 'int64');
  const attribute = (value: Attributes[string]) =>
    typeof value === 'number'
      ? { int: value }
      : typeof value === 'string'
        ? { string: value }
        : 'float' in value
          ? value
          : { ints: value };
  const names = Array.from({ length: outputs }, (_, i) => `o${i}`);
  const node: OnnxNode = {
    op,
    ...(op === 'MultiHeadAttention' && { domain: 'com.microsoft' }),
    inputs: inputs.map((input, i) => (input === '' ? '' : `i${i}`)),
    outputs: names,
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, v]) => [name, attribute(v)])),
  };
  const { graph } = encodeOnnx({
    opset: 17,
    inputs: all.filter((one) => !one.constant).map((one) => ({ ...one, type: typeOf(one) })),
    outputs: names.flatMap((name) => [
      { name, type, shape: [] },
      { name: `${name} shape`, type: 'int64', shape: [] },
    ]),
    nodes: [
      node,
      ...names.map((name) => ({ op: 'Shape', inputs: [name], outputs: [`${name} shape`], attributes: {} })),
    ],
    initializers: all
      .filter((one) => one.constant)
      .map((one) => ({ ...one, type: typeOf(one), data: () => one.data })),
  });
  const feeds = all.filter((one) => !one.constant);
  const signature = {
    what: op,
    inputs: feeds.map(({ name }) => name),
    outputs: names.flatMap((name) => [name, `${name} shape`]),
  };
  return { graph, feeds, signature };
}

const open = (one: Case, where: TensorBackend | 'runtime', type: 'float32' | 'int64' = 'float32') => {
  const { graph, signature } = graphOf(one, type);
  return where === 'runtime'
    ? openSession(graph, signature, { threads: 1 })
    : engine.open(graph, signature, where);
};

async function run(one: Case, type: 'float32' | 'int64', where: TensorBackend | 'runtime') {
  const session = await open(one, where, type);
  const { feeds } = graphOf(one, type);
  const [n = 1] = feeds[0]?.shape ?? [];
  const arrays = feeds.map(({ name, data, shape }) => [name, { data, shape: shape.slice(1) }] as const);
  const found = await session.run(Object.fromEntries(arrays), n);
  await session.close();
  return found;
}

/** Of negative numbers, so that a zero beyond the edge would show. */
const pooledAround = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const linear = (coordinates: string) => ({ mode: 'linear', coordinate_transformation_mode: coordinates });

const floats: readonly Case[] = [
  ['Identity', [given(2, 3)]],
  ['Add', [given(2, 3, 2), fixed([3, 1])]],
  ['Sub', [given(2, 1), fixed([1, 4])]],
  ['Mul', [given(2, 3), scalar(0.7)]],
  ['Div', [given(2, 3), fixed([3], [1, 2, 3])]],
  ['Pow', [positive(2, 3), scalar(-0.5)]],
  ['Sqrt', [positive(2, 3)]],
  ['Neg', [given(2, 3)]],
  ['Abs', [given(2, 3)]],
  ['Exp', [given(2, 3)]],
  ['Log', [positive(2, 3)]],
  ['Sin', [given(2, 3)]],
  ['Cos', [given(2, 3)]],
  ['Erf', [given(2, 30)]],
  ['Tanh', [given(2, 3)]],
  ['Relu', [given(2, 3)]],
  ['Sigmoid', [given(2, 3)]],
  ['Clip', [given(2, 3), scalar(-0.2), scalar(0.4)]],
  ['Clip', [given(2, 3), '', scalar(0.4)]],
  ['Cast', [numbers([2, 2], 3, -1, 0, 7)], { to: 1 }],
  ['Softmax', [given(2, 3, 4)], { axis: -1 }],
  ['Softmax', [given(2, 3, 4)], { axis: 1 }],
  ['ReduceSum', [given(2, 3, 4), ints(1, -1)], { keepdims: 0 }],
  ['ReduceSum', [given(2, 3)]],
  ['ReduceMean', [given(2, 3, 4)], { axes: [-1], keepdims: 1 }],
  ['Reshape', [given(2, 6), ints(0, 3, -1)]],
  ['Flatten', [given(2, 3, 2)], { axis: 2 }],
  ['Flatten', [given(2, 3, 2)], { axis: 3 }],
  ['Flatten', [given(2, 3, 2)], { axis: -2 }],
  ['Unsqueeze', [given(2, 3), ints(1, -1)]],
  ['Squeeze', [given(2, 1, 3, 1), ints(-1)]],
  ['Transpose', [given(2, 3, 4)], { perm: [2, 0, 1] }],
  ['Transpose', [given(2, 3, 2, 4)], { perm: [0, 1, 3, 2] }],
  ['Concat', [given(2, 3, 1), given(2, 2, 1)], { axis: -2 }],
  ['Split', [given(2, 6)], { axis: 1 }, 3],
  ['Split', [given(2, 6), ints(1, 5)], { axis: -1 }, 2],
  ['Slice', [given(2, 5, 3), ints(1, -2), ints(2 ** 31 + 5, 3), ints(1, 2), ints(1, 1)]],
  ['Slice', [given(2, 5), ints(0, -3), ints(1, -1)]],
  ['Gather', [given(2, 3, 2), ints(-1, 0, 2, 1)], { axis: 1 }],
  ['Gather', [fixed([4, 3]), numbers([2, 2], 3, 0, 1, 1)]],
  ['Expand', [given(2, 1, 3), ints(2, 4, 1)]],
  ['Pad', [given(2, 3, 1), ints(0, 1, 0, 0, 2, 3)], { mode: 'constant' }],
  ['Pad', [given(2, 2), ints(0, 1, 0, 0), scalar(5)]],
  ['MatMul', [given(2, 3, 4), given(2, 4, 2)]],
  ['MatMul', [given(2, 3, 4), fixed([4, 2])]],
  ['MatMul', [given(2, 2, 3, 4), given(2, 2, 4, 5)]],
  ['MatMul', [fixed([1, 3]), given(2, 3, 2)]],
  ['Gemm', [given(2, 3), fixed([4, 3]), fixed([4])], { transB: 1 }],
  ['Gemm', [given(3, 2), fixed([3, 4])], { transA: 1, alpha: { float: 0.5 } }],
  ['Gemm', [given(2, 3), fixed([3, 4]), fixed([2, 1])], { beta: { float: 2 } }],
  ['Conv', [given(2, 3, 5, 4), fixed([2, 3, 3, 3]), fixed([2])], { pads: [1, 1, 1, 1] }],
  ['Conv', [given(2, 3, 6, 5), fixed([2, 3, 3, 3])], { pads: [0, 1, 1, 2], strides: [2, 2] }],
  ['Conv', [given(2, 1, 7, 6), fixed([2, 1, 3, 2]), fixed([2])], { dilations: [2, 1], kernel_shape: [3, 2] }],
  ['Conv', [given(2, 3, 4, 4), fixed([5, 3, 1, 1])]],
  ['Conv', [given(2, 4, 6, 6), fixed([4, 1, 4, 4])], { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['Conv', [given(2, 2, 5, 5), fixed([6, 1, 2, 3]), fixed([6])], { group: 2 }],
  ['Conv', [given(2, 2, 4, 4), given(2, 2, 3, 3)], { pads: [1, 1, 1, 1] }],
  ['ConvTranspose', [given(2, 3, 4, 3), fixed([3, 2, 3, 3]), fixed([2])], { pads: [1, 1, 1, 1] }],
  [
    'ConvTranspose',
    [given(2, 3, 3, 4), fixed([3, 2, 3, 3])],
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] },
  ],
  [
    'ConvTranspose',
    [given(2, 3, 3, 4), fixed([3, 1, 4, 4])],
    { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] },
  ],
  [
    'ConvTranspose',
    [given(2, 2, 3, 3), fixed([2, 1, 3, 2])],
    { group: 2, strides: [2, 1], output_padding: [1, 0] },
  ],
  ['AveragePool', [given(2, 3, 4, 6)], { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] }],
  ['AveragePool', [given(2, 3, 4, 5)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
  ['AveragePool', [given(2, 3, 4, 5)], { kernel_shape: [2, 3], strides: [1, 2], pads: [0, 1, 1, 0] }],
  ['MaxPool', [given(2, 3, 7, 5)], { kernel_shape: [3, 3], strides: [2, 2] }],
  ['MaxPool', [{ ...given(2, 1, 3, 4), data: values([24]).map((v) => v - 3) }], pooledAround],
  ['GlobalAveragePool', [given(2, 3, 4, 6)]],
  ['GlobalAveragePool', [given(2, 3, 7)]],
  ['InstanceNormalization', [given(2, 3, 8), fixed([3]), fixed([3])], { epsilon: { float: 1e-3 } }],
  ['InstanceNormalization', [given(2, 3, 4, 5), fixed([3]), fixed([3])]],
  [
    'BatchNormalization',
    [given(2, 3, 2, 4), fixed([3]), fixed([3]), fixed([3]), fixed([3], [1, 0.5, 2])],
    { epsilon: { float: 1e-3 } },
  ],
  ['BatchNormalization', [given(2, 2), fixed([2]), fixed([2]), fixed([2]), fixed([2], [1, 0.5])]],
  ['LayerNormalization', [given(2, 3, 5), fixed([5]), fixed([5])], { axis: -1, epsilon: { float: 1e-3 } }],
  [
    'Resize',
    [given(2, 3, 2, 3), '', fixed([4], [1, 1, 2, 3])],
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  ],
  ['Resize', [given(2, 3, 2, 3), '', '', ints(2, 3, 4, 6)], { mode: 'nearest' }],
  ['Resize', [given(2, 3, 2, 3), '', '', ints(2, 3, 7, 5)], linear('asymmetric')],
  ['Resize', [given(2, 3, 9, 3), '', '', ints(2, 3, 4, 8)], linear('half_pixel')],
  [
    'MultiHeadAttention',
    [given(2, 3, 4), given(2, 3, 4), given(2, 3, 4)],
    { num_heads: 2, unidirectional: 0 },
  ],
  [
    'MultiHeadAttention',
    [given(2, 3, 4), given(2, 3, 4), given(2, 3, 4)],
    { num_heads: 2, unidirectional: 1 },
  ],
  [
    'MultiHeadAttention',
    [given(2, 3, 4), given(2, 5, 4), given(2, 5, 4)],
    { num_heads: 1, scale: { float: 0.3 } },
  ],
];

const place = (value: number): Input => ({ ...ints(value), shape: [] });

const whole: readonly Case[] = [
  ['Range', [place(3), place(11), place(3)]],
  ['Range', [place(3), place(-2), place(-1)]],
  ['Add', [numbers([2, 2], 1, 2, 3, 4), ints(10)]],
  ['Clip', [numbers([2, 2], -1, 2, 3, 40), place(0), place(3)]],
  ['Cast', [given(2, 3)], { to: 7 }],
  ['ArgMin', [given(2, 9)], { axis: 1, keepdims: 0 }],
  ['ArgMin', [{ ...given(2, 4), data: Float32Array.of(3, 1, 1, 2, 0, 0, 0, 5) }], { axis: -1 }],
  ['ArgMax', [given(2, 9, 2)], { axis: 1, keepdims: 1 }],
  ['ReduceSum', [numbers([2, 3], 1, 0, 1, 1, 1, 1), ints(1)], { keepdims: 0 }],
];

describe.each(['wasm', 'cpu'] as const)('in TF.js on %s, as in ONNX Runtime:', (backend) => {
  const installed = openBackend(backend).then(
    () => true,
    () => false,
  );
  const title = ([op, inputs, attributes = {}]: Case) =>
    `${op}(${inputs.map((input) => input && `[${input.shape}]`).join(', ')}) ${JSON.stringify(attributes)}`;

  it.for(floats.map((one) => [title(one), one] as const))('%s', async ([, one], { skip }) => {
    skip(!(await installed));
    const expected = await run(one, 'float32', 'runtime');
    const found = await run(one, 'float32', backend);
    for (const [name, array] of Object.entries(expected)) {
      if (name.endsWith(' shape')) expect(found[name]).toEqual(array);
      else for (const [i, value] of found[name]!.entries()) expect(value).toBeCloseTo(Number(array[i]), 5);
    }
  });

  it.for(whole.map((one) => [title(one), one] as const))('%s, whole numbers', async ([, one], { skip }) => {
    skip(!(await installed));
    expect(await run(one, 'int64', backend)).toEqual(await run(one, 'int64', 'runtime'));
  });
});

const nearest = {
  mode: 'nearest',
  coordinate_transformation_mode: 'asymmetric',
  nearest_mode: 'floor',
};

describe('numbers of a damaged file', () => {
  const far = 2 ** 24;
  const cases: readonly (readonly [RegExp, Case])[] = [
    [/it would make \[1,2,16777220\]/, ['Pad', [given(1, 2, 4), ints(0, 0, 0, 0, 0, far)]]],
    [/it would make \[1,16777216,4\]/, ['Expand', [given(1, 1, 4), ints(1, far, 4)]]],
    [/it would make/, ['Resize', [given(1, 1, 2, 2), '', fixed([4], [1, 1, far, 1])], nearest]],
    [/it would make/, ['Conv', [given(1, 1, 4, 4), fixed([1, 1, 3, 3])], { pads: [far, 0, far, 0] }]],
    [/it would make/, ['ConvTranspose', [given(1, 1, 4, 4), fixed([1, 1, 3, 3])], { strides: [far, 1] }]],
    [/a range of 16777216/, ['Range', [scalar(0), scalar(far), scalar(1)]]],
    [/a range of Infinity/, ['Range', [scalar(0), scalar(far), scalar(0)]]],
    [/no axis 2147483647 of 2/, ['Slice', [given(1, 4), ints(0), ints(1), ints(2 ** 31)]]],
    [/no axis -3 of 2/, ['Softmax', [given(1, 4)], { axis: -3 }]],
    [/no axis 7 of 2/, ['ReduceMean', [given(1, 4)], { axes: [7] }]],
  ];
  it.each(cases)('are refused, and cost nothing: %s', async (message, one) => {
    await expect(run(one, 'float32', 'cpu')).rejects.toMatchObject({
      code: 'E_ENGINE',
      message: expect.stringMatching(message),
    });
  });
});
