import { onnxFault } from '../errors.js';
import type { Condition } from '../export-denoiser.js';
import type { OnnxFile, OnnxFileValue } from '../onnx/onnx-file.js';
import type { OnnxType } from '../onnx/onnx-model.js';
import {
  batchOf,
  checkOpset,
  contents,
  floats,
  shownValue,
  size,
  sizesOf,
  typed,
  whole,
} from './onnx-values.js';

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
  readonly condition?: Partial<Condition>;
  /** Number of classes, where it is told their numbers. */
  readonly classes?: number;
}

const roles = ['x', 'noise', 'labels', 'condition'] as const;
type Role = (typeof roles)[number];

/** The same, read off the file. */
export type OnnxDenoiserSignature = ReturnType<typeof signatureOf>;

const usualInputs: Readonly<Record<Role, readonly string[]>> = {
  x: ['x', 'sample', 'z', 'x_t', 'latent', 'latents', 'input', 'image'],
  noise: ['sigma', 'timestep', 'timesteps', 't', 'noise', 'time', 'c_noise'],
  labels: ['class_labels', 'y', 'labels', 'label', 'class'],
  condition: ['condition', 'encoder_hidden_states', 'context'],
};
const usualOutputs = ['denoised', 'out_sample', 'output', 'sample', 'noise_pred', 'model_output'];

const BOTTLENECK = 8;

/**
 * What is what among an ONNX file's inputs and outputs.
 *
 * @throws ModelError `E_ONNX` that says what the file has, and what to add
 */
export function signatureOf(file: OnnxFile, options: OnnxSignatureOptions) {
  checkOpset(file);
  const { x, noise, labels, condition } = inputsOf(file, options.inputs ?? {});
  const image = imageOf(file, x!, options);
  const output = outputOf(file, options, image);
  const bottleneck = bottleneckOf(file, options.bottleneck);
  return {
    ...image,
    x: { name: x!.name, type: typed(file, x!, floats, 'an image of floats') },
    noise: {
      name: noise!.name,
      type: typed(file, noise!, [...floats, ...whole], 'a number'),
      rank: noise!.shape?.length ?? 1,
    },
    labels: labels && labelsOf(file, labels, options.classes),
    condition: condition && conditionOf(file, condition, options.condition),
    output,
    bottleneck,
    /** The only batch size that it takes, where there is one. */
    batch: batchOf([x!, noise!, ...(labels ? [labels] : []), ...(condition ? [condition] : [])]),
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

function imageOf(file: OnnxFile, x: OnnxFileValue, options: OnnxSignatureOptions) {
  const [, channels, height, width] = sizesOf(file, x, 4, 'an image [n, C, R, R]');
  const resolution = size(x, height!, options.resolution, 'resolution');
  if (size(x, width!, resolution, 'resolution') !== resolution)
    throw onnxFault(`images are square here, and ${shownValue(x)} is none`);
  return { channels: size(x, channels!, options.channels, 'channels'), resolution };
}

/** `channels`: those of the image, and maybe as many again. */
function outputOf(
  file: OnnxFile,
  { output: name, bottleneck = 'bottleneck' }: OnnxSignatureOptions,
  { channels, resolution }: ReturnType<typeof imageOf>,
) {
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

function bottleneckOf(file: OnnxFile, name: string | undefined) {
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

/** `numbers`: it is told their numbers; else one-hot. */
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

/** A size is left out where neither the file nor the options say it. */
function conditionOf(
  file: OnnxFile,
  condition: OnnxFileValue,
  given: OnnxSignatureOptions['condition'],
): { readonly name: string; readonly type: OnnxType } & Partial<Condition> {
  const type = typed(file, condition, floats, 'a condition of floats');
  const [, ...sizes] = sizesOf(file, condition, 3, 'tokens [n, positions, width]');
  const told = (['positions', 'width'] as const).flatMap((key, i) =>
    given?.[key] === undefined && typeof sizes[i] === 'string'
      ? []
      : [[key, size(condition, sizes[i]!, given?.[key], `condition.${key}`)]],
  );
  return { name: condition.name, type, ...Object.fromEntries(told) };
}
