import type { Condition } from './export-denoiser.js';
import { onnxFault } from './onnx-fault.js';
import type { OnnxFile, OnnxFileValue } from './onnx-file.js';
import type { OnnxType } from './onnx-model.js';

/** What the network of an ONNX file is given and gives, where the file itself leaves it open. */
export interface OnnxSignatureOptions {
  /**
   * Names of its inputs, where they are none of the usual ones. `x`: the noisy image; `noise`: time, or noise level;
   * `labels`: classes; `condition`: tokens that it attends to.
   */
  readonly inputs?: { readonly [role in Role]?: string };
  /** Name of what it predicts; by default its only output, or one of a usual name. */
  readonly output?: string;
  /**
   * What a predictor reads, by name: [n, 8, 8], [n, 64], or a feature map [n, k, 8, 8], of which the mean over channels
   * is taken. An output, or any value within whose shape the file tells; by default the output `bottleneck`.
   */
  readonly bottleneck?: string;
  /** Sizes that the file leaves open. */
  readonly channels?: number;
  readonly resolution?: number;
  readonly condition?: Condition;
  /** Number of classes, where it is told their numbers. */
  readonly classes?: number;
}

const roles = ['x', 'noise', 'labels', 'condition'] as const;
type Role = (typeof roles)[number];

/** The same, read off the file. */
export interface OnnxDenoiserSignature {
  readonly channels: number;
  readonly resolution: number;
  readonly x: Told;
  readonly noise: Told & { readonly rank: number };
  /** `numbers`: it is told their numbers; else one-hot. */
  readonly labels?: Told & { readonly count: number; readonly rank: number; readonly numbers: boolean };
  readonly condition?: Told & Condition;
  /** `channels`: those of the image, and maybe as many again. */
  readonly output: { readonly name: string; readonly channels: number };
  readonly bottleneck?: { readonly name: string; readonly channels: number };
  /** The only batch size that it takes, where there is one. */
  readonly batch?: number;
}

interface Told {
  readonly name: string;
  readonly type: OnnxType;
}

const usualInputs: Readonly<Record<Role, readonly string[]>> = {
  x: ['x', 'sample', 'z', 'x_t', 'latent', 'latents', 'input', 'image'],
  noise: ['sigma', 'timestep', 'timesteps', 't', 'noise', 'time', 'c_noise'],
  labels: ['class_labels', 'y', 'labels', 'label', 'class'],
  condition: ['condition', 'encoder_hidden_states', 'context'],
};
const usualOutputs = ['denoised', 'out_sample', 'output', 'sample', 'noise_pred', 'model_output'];

const floats: readonly (OnnxType | undefined)[] = ['float32', 'float16', 'float64', 'bfloat16'];
const whole: readonly (OnnxType | undefined)[] = ['int64', 'int32'];
/** Operators that stand around the network are the same from here on. */
const MIN_OPSET = 13;
const BOTTLENECK = 8;

/**
 * What is what among an ONNX file's inputs and outputs.
 *
 * @throws ModelError `E_ONNX` that says what the file has, and what to add
 */
export function signatureOf(file: OnnxFile, options: OnnxSignatureOptions): OnnxDenoiserSignature {
  const opset = file.opsets.get('');
  if (opset === undefined || opset < MIN_OPSET)
    throw onnxFault(
      `its operators are of opset ${opset ?? 'none'}, and ${MIN_OPSET} or later is needed: export it with opset_version=17, or convert it with onnx.version_converter.convert_version(model, 17)`,
      { opset },
    );
  const { x, noise, labels, condition } = inputsOf(file, options.inputs ?? {});
  const image = imageOf(file, x!, options);
  const output = outputOf(file, options, image);
  const bottleneck = bottleneckOf(file, options.bottleneck);
  const told = {
    x: { name: x!.name, type: typed(file, x!, floats, 'an image of floats') },
    noise: {
      name: noise!.name,
      type: typed(file, noise!, [...floats, ...whole], 'a number'),
      rank: noise!.shape?.length ?? 1,
    },
    ...(labels && { labels: labelsOf(file, labels, options.classes) }),
    ...(condition && { condition: conditionOf(file, condition, options.condition) }),
  };
  const batch = batchOf([x!, noise!, ...(labels ? [labels] : []), ...(condition ? [condition] : [])]);
  return {
    ...image,
    ...told,
    output,
    ...(bottleneck && { bottleneck }),
    ...(batch !== undefined && { batch }),
  };
}

function inputsOf(file: OnnxFile, named: { readonly [role in Role]?: string }) {
  const found: { [role in Role]?: OnnxFileValue } = {};
  for (const role of roles) {
    const name = named[role];
    const input = file.inputs.find((one) =>
      name === undefined ? usualInputs[role].includes(one.name.toLowerCase()) : one.name === name,
    );
    if (name !== undefined && !input)
      throw onnxFault(`it has no input ${JSON.stringify(name)} for inputs.${role}; ${contents(file)}`);
    if (input) found[role] = input;
  }
  for (const role of ['x', 'noise'] as const)
    if (!found[role])
      throw onnxFault(
        `none of its inputs has a usual name for ${role === 'x' ? 'the noisy image' : 'the noise'} (${usualInputs[role].join(', ')}): name it as inputs.${role}; ${contents(file)}`,
      );
  const given = Object.values(found);
  if (new Set(given).size < given.length)
    throw onnxFault(`one input stands for two things: name each under inputs (${roles.join(', ')})`);
  const unknown = file.inputs.filter((input) => !given.includes(input));
  if (unknown.length > 0)
    throw onnxFault(
      `nothing gives its input ${unknown.map(({ name }) => name).join(', ')}: where it is one of ${roles.join(', ')}, name it under inputs, else export the network without it; ${contents(file)}`,
    );
  return found;
}

function imageOf(
  file: OnnxFile,
  x: OnnxFileValue,
  options: OnnxSignatureOptions,
): { channels: number; resolution: number } {
  const [, channels, height, width] = sizesOf(file, x, 4, 'an image [n, C, R, R]');
  const resolution = size(x, height!, options.resolution, 'resolution');
  if (size(x, width!, resolution, 'resolution') !== resolution)
    throw onnxFault(`images are square here, and ${shownValue(x)} is none`);
  return { channels: size(x, channels!, options.channels, 'channels'), resolution };
}

function outputOf(
  file: OnnxFile,
  { output: name, bottleneck = 'bottleneck' }: OnnxSignatureOptions,
  { channels, resolution }: { channels: number; resolution: number },
): OnnxDenoiserSignature['output'] {
  const candidates = file.outputs.filter((one) => one.name !== bottleneck);
  const output =
    name !== undefined
      ? file.outputs.find((one) => one.name === name)
      : candidates.length === 1
        ? candidates[0]
        : candidates.find((one) => usualOutputs.includes(one.name.toLowerCase()));
  if (!output)
    throw onnxFault(
      name === undefined
        ? `which of its outputs the network predicts is not clear: name it as output; ${contents(file)}`
        : `it has no output ${JSON.stringify(name)}; ${contents(file)}`,
    );
  typed(file, output, floats, 'an image of floats');
  const [, found, ...sides] = sizesOf(file, output, 4, 'an image [n, C, R, R]');
  const fits = found === channels || found === 2 * channels || typeof found === 'string';
  if (!fits || sides.some((side) => typeof side === 'number' && side !== resolution))
    throw onnxFault(
      `its output ${shownValue(output)} is no image of ${channels} channels, or twice as many, and ${resolution}×${resolution} pixels`,
    );
  // of an unknown number, the first are taken whatever comes after them
  return { name: output.name, channels: typeof found === 'number' ? found : 2 * channels };
}

function bottleneckOf(
  file: OnnxFile,
  name: string | undefined,
): OnnxDenoiserSignature['bottleneck'] | undefined {
  const value =
    name === undefined ? file.outputs.find((one) => one.name === 'bottleneck') : file.values.get(name);
  if (!value) {
    if (name === undefined) return undefined;
    throw onnxFault(
      `it has no value ${JSON.stringify(name)} whose shape it tells, for bottleneck: export the network with it as an output; ${contents(file)}`,
    );
  }
  const shape = value.shape?.slice(1) ?? [];
  const sides = shape.slice(-2);
  const isMap = sides.length === 2 && sides.every((side) => side === BOTTLENECK);
  const channels = shape.length === 3 ? shape[0] : 1;
  const flat = shape.length === 1 && shape[0] === BOTTLENECK ** 2;
  if (!floats.includes(value.type) || !(flat || (isMap && shape.length < 4)) || typeof channels !== 'number')
    throw onnxFault(
      `a bottleneck is of floats, [n, 8, 8], [n, 64] or [n, k, 8, 8], with sizes that the file tells, and ${shownValue(value)} is not: name another value, or export the network with its mean over channels as an output`,
    );
  return { name: value.name, channels };
}

function labelsOf(file: OnnxFile, labels: OnnxFileValue, classes: number | undefined) {
  const type = typed(file, labels, [...floats, ...whole], 'a class');
  const numbers = whole.includes(type);
  const shape = labels.shape ?? [];
  if (!numbers && shape.length !== 2)
    throw onnxFault(`classes as floats are one-hot, [n, L], and its input ${shownValue(labels)} is not`);
  const count = numbers ? classes : size(labels, shape[1]!, classes, 'classes');
  if (count === undefined)
    throw onnxFault(
      `it is told the numbers of classes as ${labels.name}, and not how many there are: add classes`,
    );
  return { name: labels.name, type, count, rank: shape.length, numbers };
}

function conditionOf(file: OnnxFile, condition: OnnxFileValue, given: Condition | undefined) {
  const type = typed(file, condition, floats, 'a condition of floats');
  const [, positions, width] = sizesOf(file, condition, 3, 'tokens [n, positions, width]');
  return {
    name: condition.name,
    type,
    positions: size(condition, positions!, given?.positions, 'condition.positions'),
    width: size(condition, width!, given?.width, 'condition.width'),
  };
}

/** What can't be given for each sample is given for one sample at a time. */
function batchOf(inputs: readonly OnnxFileValue[]): number | undefined {
  const first = ({ shape }: OnnxFileValue) => (shape ? (shape[0] ?? 1) : '?');
  const sizes = new Set(inputs.map(first).filter((n) => typeof n === 'number'));
  const [batch, other] = sizes;
  if (other !== undefined || batch === 0)
    throw onnxFault(
      `its inputs have fixed batches that differ or are empty: ${inputs.map(shownValue).join(', ')}; export it with the first size of each left open (dynamic_axes)`,
    );
  return batch;
}

function typed(
  file: OnnxFile,
  value: OnnxFileValue,
  types: readonly (OnnxType | undefined)[],
  what: string,
): OnnxType {
  if (value.type && types.includes(value.type)) return value.type;
  throw onnxFault(`${what} is expected, and ${shownValue(value)} is none; ${contents(file)}`);
}

function sizesOf(
  file: OnnxFile,
  value: OnnxFileValue,
  rank: number,
  what: string,
): readonly (number | string)[] {
  const shape = value.shape ?? new Array<string>(rank).fill('?');
  if (shape.length === rank) return shape;
  throw onnxFault(`${what} is expected, and ${shownValue(value)} is none; ${contents(file)}`);
}

/** A size of the file's, or given where it leaves it open. */
function size(value: OnnxFileValue, found: number | string, given: number | undefined, key: string): number {
  if (typeof found === 'string') {
    if (given !== undefined) return given;
    throw onnxFault(`${shownValue(value)} leaves a size open: add ${key}`, { key });
  }
  if (found < 1 || (given !== undefined && given !== found))
    throw onnxFault(
      `${shownValue(value)} has ${found} for ${key}${given === undefined ? '' : `, not ${given}`}`,
      {
        key,
      },
    );
  return found;
}

/** As `sample: float32 [n, 3, 32, 32]`. */
export const shownValue = ({ name, type, shape }: OnnxFileValue): string =>
  `${name}: ${type ?? 'no plain tensor'}${shape ? ` [${shape.join(', ')}]` : ''}`;

const LISTED = 16;

function contents({ inputs, outputs }: OnnxFile): string {
  const list = (values: readonly OnnxFileValue[]) =>
    values.length > LISTED
      ? [...values.slice(0, LISTED).map(shownValue), '…'].join(', ')
      : values.map(shownValue).join(', ') || 'nothing';
  return `it maps ${list(inputs)} to ${list(outputs)}`;
}
