/** Bytes of protocol buffers; names and numbers of fields are onnx.proto's. */
type Bytes = readonly number[];

function varint(n: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(n));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const number = (field: number, n: number): number[] => [...varint(field * 8), ...varint(n)];

const field = (at: number, content: string | Bytes): number[] => {
  const bytes = typeof content === 'string' ? [...Buffer.from(content)] : content;
  return [...varint(at * 8 + 2), ...varint(bytes.length), ...bytes];
};

const raw = (data: ArrayBufferView): Bytes => [
  ...new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
];

function value(name: string, sizes: Bytes): number[] {
  const shape = sizes.flatMap((size) => field(1, number(1, size)));
  return [...field(1, name), ...field(2, field(1, [...number(1, FLOAT), ...field(2, shape)]))];
}

const [FLOAT, INT64] = [1, 7];

/** Of float32, or of int64 where it is a list of bigints. */
function tensor(name: string, shape: Bytes, data: Bytes | readonly bigint[]): number[] {
  const whole = typeof data[0] === 'bigint';
  const elements = whole ? BigInt64Array.from(data as bigint[]) : Float32Array.from(data as number[]);
  return [
    ...shape.flatMap((size) => number(1, size)),
    ...number(2, whole ? INT64 : FLOAT),
    ...field(8, name),
    ...field(9, raw(elements)),
  ];
}

type Attribute = number | string | Bytes | { readonly float: number };

function attribute([name, one]: [string, Attribute]): number[] {
  const told = () => {
    if (typeof one === 'number') return [...number(3, one), ...number(20, 2)];
    if (typeof one === 'string') return [...field(4, one), ...number(20, 3)];
    if (!('float' in one)) return [...one.flatMap((n) => number(8, n)), ...number(20, 7)];
    return [2 * 8 + 5, ...raw(Float32Array.of(one.float)), ...number(20, 1)];
  };
  return [...field(1, name), ...told()];
}

/** As `Add x,w y`; a domain stands before the operator, with a colon. */
function node(line: string, attributes: Readonly<Record<string, Attribute>> = {}): number[] {
  const [operator = '', inputs = '', outputs = ''] = line.split(' ');
  const [op = '', domain] = operator.split(':').reverse();
  return [
    ...inputs.split(',').flatMap((name) => field(1, name)),
    ...outputs.split(',').flatMap((name) => field(2, name)),
    ...field(4, op),
    ...Object.entries(attributes).flatMap((one) => field(5, attribute(one))),
    ...(domain === undefined ? [] : field(7, domain)),
  ];
}

/** A denoiser of images [1, channels, size, size], told a time `t` [1], that gives `y`. */
const file = (image: Bytes, nodes: readonly Bytes[], tensors: readonly Bytes[]): Buffer =>
  Buffer.from([
    ...number(1, 8),
    ...field(7, [
      ...nodes.flatMap((one) => field(1, one)),
      ...tensors.flatMap((one) => field(5, one)),
      ...field(11, value('x', image)),
      ...field(11, value('t', [1])),
      ...field(12, value('y', image)),
    ]),
    // ONNX's own last, so that no cut is a whole file
    ...field(8, [...field(1, 'com.microsoft'), ...number(2, 1)]),
    ...field(8, number(2, 17)),
  ]);

/** The image plus a weight. */
export const sum = file([1, 1, 2, 2], [node('Add x,w y')], [tensor('w', [], [1])]);

const weights = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(i + 1) / 2);

/** One of each kind of operator that networks are made of. */
export const network = file(
  [1, 2, 4, 4],
  [
    node('Conv x,kernel,pair h', { pads: [1, 1, 1, 1], kernel_shape: [3, 3] }),
    node('InstanceNormalization h,pair,pair normed', { epsilon: { float: 1e-5 } }),
    node('Sigmoid normed gate'),
    node('Mul normed,gate silu'),
    // the time
    node('Unsqueeze t,axis1 column'),
    node('Cos column wave'),
    node('Gemm wave,row,pair embedded', { alpha: { float: 0.5 } }),
    node('Reshape embedded,asMap shift'),
    node('Add silu,shift shifted'),
    // half the size and back
    node('AveragePool shifted half', { kernel_shape: [2, 2], strides: [2, 2] }),
    node('Resize half,,scales whole', {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    }),
    node('ConvTranspose half,kernel2 wide', { strides: [2, 2], kernel_shape: [2, 2] }),
    node('Add whole,wide up'),
    // tokens
    node('Reshape up,asTokens rows'),
    node('Transpose rows tokens', { perm: [0, 2, 1] }),
    node('LayerNormalization tokens,pair,pair level', { axis: -1 }),
    node('MatMul level,square q'),
    node('com.microsoft:MultiHeadAttention q,level,tokens mixed', { num_heads: 2 }),
    node('Softmax mixed shares', { axis: -1 }),
    node('ReduceMean shares mean', { axes: [1], keepdims: 1 }),
    node('Sub mixed,mean rest'),
    node('Transpose rest turned', { perm: [0, 2, 1] }),
    node('Reshape turned,asImage image'),
    // channels and places
    node('Concat image,x both', { axis: 1 }),
    node('Split both,two first,second', { axis: 1 }),
    node('Gather second,order swapped', { axis: 1 }),
    node('Slice first,from,to,along cut'),
    node('Greater cut,swapped more'),
    node('Where more,cut,swapped larger'),
    node('Clip larger,low,high clipped'),
    node('Cast clipped y', { to: FLOAT! }),
  ],
  [
    tensor('kernel', [2, 2, 3, 3], weights(36)),
    tensor('kernel2', [2, 2, 2, 2], weights(16)),
    tensor('square', [2, 2], weights(4)),
    tensor('row', [1, 2], weights(2)),
    tensor('pair', [2], weights(2)),
    tensor('scales', [4], [1, 1, 2, 2]),
    tensor('low', [], [-1]),
    tensor('high', [], [1]),
    tensor('axis1', [1], [1n]),
    tensor('asMap', [4], [0n, 2n, 1n, 1n]),
    tensor('asTokens', [3], [0n, 2n, -1n]),
    tensor('asImage', [4], [0n, 2n, 4n, 4n]),
    tensor('two', [2], [2n, 2n]),
    tensor('order', [2], [1n, 0n]),
    tensor('from', [2], [0n, 0n]),
    tensor('to', [2], [4n, 9n]),
    tensor('along', [2], [2n, 3n]),
  ],
);
