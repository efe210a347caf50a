import { readFeatureCheckpoint } from './checkpoints/feature-checkpoint.js';
import type { OnnxSession } from './engines/onnx-session.js';
import { openEncoded } from './engines/open-encoded.js';
import { type EngineOptions, openSession } from './engines/open-session.js';
import { checkpointFault, engineFault, onnxFault, withPath } from './errors.js';
import { exportFeatureNetwork, type FeatureResize } from './feature-network.js';
import { isOnnx } from './files/sniff.js';
import { memorySource, withSource } from './files/source.js';
import { contents, shownValue, sizesOf, typed } from './foreign/onnx-values.js';
import { type OnnxFile, readOnnx } from './onnx/onnx-file.js';
import { readOnnxFile } from './onnx/open-onnx.js';
import type { ByteImages, UnroundedImages } from './pixels.js';

/** On what it computes, and how images come to its size. */
export interface FeatureNetworkOptions extends EngineOptions {
  /** Of weights of FID's Inception-v3 alone, and of these `tensorflow` by default. */
  readonly resize?: FeatureResize;
}

/** A network that turns images into feature vectors, ready to run. */
export interface FeatureNetwork {
  /** Entries of a vector. */
  readonly dim: number;
  /** How images come to its size, where that is chosen. */
  readonly resize?: FeatureResize;
  /** Images that are evaluated together, of large ones fewer: calls of a multiple leave no place empty. */
  readonly batch: number;
  /**
   * Feature vectors [n × dim] of n images. A grey image has its channel three times for a network of colours.
   *
   * A vector depends on its image alone, not on what is asked for beside it: as many images are always evaluated
   * together, zeros in place of those that aren't there, where a trial on the first images of a size shows that a
   * network's rows are independent of each other; else they are evaluated one by one. On the CPU that holds to the bit,
   * on other devices within float32 noise.
   *
   * `progress` is told after each evaluation how many of them are done.
   *
   * @throws ModelError `E_ENGINE` when the images are not of the network's size and colour, or it fails on them
   */
  features(images: ByteImages | UnroundedImages, progress?: (done: number) => void): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Images that are evaluated together by one device: GPUs want many, a CPU is done with its overheads by few. */
const ROWS = { cpu: 8, engine: 8, cuda: 32, tensorrt: 32, webgpu: 32 } as const;
/** Pixels that are evaluated together, so that large images need no more memory than many small ones. */
const MAX_PIXELS = 2 ** 22;
/** What rows of one image may differ by, of the largest feature: nothing on the CPU, elsewhere what float32 makes of it. */
const NOISE = 1e-3;

const WHAT = 'a feature network';
const signature = { what: WHAT, inputs: ['images'], outputs: ['features'] };

/**
 * Opens a network of features from its file, told by its content.
 *
 * - ONNX: input `images` float32 [n, channels, height, width], values 0…255, n free; output `features` float32 [n, dim].
 *   Other outputs are not computed. Weights may be in files beside it.
 * - Weights: of FID's Inception-v3 or a DINOv2, as `readFeatureCheckpoint` takes them.
 *
 * @throws ModelError `E_ONNX` for a graph of another form; as `readFeatureCheckpoint`; `E_CHECKPOINT` when `resize` is
 *   given for a network that has its own; `E_ENGINE` when the engine or the device is not there, or refuses it
 */
export async function openFeatureNetwork(
  path: string,
  options: FeatureNetworkOptions = {},
): Promise<FeatureNetwork> {
  return withPath(path, () =>
    isOnnxFile(path) ? openOnnxNetwork(path, options) : openWeights(path, options),
  );
}

/** By its first bytes; a file that is called one is taken for one, so that what is wrong with it is said of ONNX. */
const isOnnxFile = (path: string) =>
  /\.onnx$/i.test(path) || withSource(path, (source) => isOnnx(source.read(0, Math.min(source.length, 16))));

async function openWeights(
  path: string,
  { resize, ...engine }: FeatureNetworkOptions,
): Promise<FeatureNetwork> {
  const checkpoint = await readFeatureCheckpoint(path);
  const encoded = exportFeatureNetwork(checkpoint, resize ? { resize } : {});
  const form = formOf(readOnnx(memorySource(encoded.graph)));
  const chosen = checkpoint.type === 'inception' && { resize: resize ?? 'tensorflow' };
  return networkOf(await openEncoded(encoded, signature, engine), { ...form, ...chosen }, engine);
}

async function openOnnxNetwork(
  path: string,
  { resize, ...engine }: FeatureNetworkOptions,
): Promise<FeatureNetwork> {
  const form = formOf(readOnnxFile(path));
  if (resize !== undefined)
    throw checkpointFault(
      `it is an ONNX file, which resizes images as it was written to: resize ${resize} is a choice of weights of FID's Inception-v3 alone`,
      { resize },
    );
  return networkOf(await openSession(path, signature, engine), form, engine);
}

/** What a graph takes and gives; sizes that it leaves open are undefined. */
interface Form {
  readonly dim: number;
  readonly channels: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
  /** Whether it takes one image at a time. */
  readonly single: boolean;
}

/** @throws ModelError `E_ONNX` where it is no feature network */
function formOf(file: OnnxFile): Form {
  const [images, another] = file.inputs;
  const features = file.outputs.find(({ name }) => name === 'features');
  if (images?.name !== 'images' || another || !features)
    throw onnxFault(
      `${WHAT} has one input "images" and an output "features", and this is none: ${contents(file)}`,
    );
  typed(file, images, ['float32'], 'an input of images as float32');
  typed(file, features, ['float32'], 'an output of features as float32');
  const [n, ...image] = sizesOf(file, images, 4, 'an input [n, channels, height, width]');
  const [, dim] = sizesOf(file, features, 2, 'an output [n, dim]');
  if (typeof n === 'number' && n > 1)
    throw onnxFault(
      `${shownValue(images)} takes exactly ${n} images at once: export it with a free batch size`,
      { batch: n },
    );
  if (typeof dim !== 'number' || dim < 1)
    throw onnxFault(`${shownValue(features)} leaves open how many features there are: export it with that`);
  const [channels, height, width] = image.map((size) =>
    typeof size === 'number' && size > 0 ? size : undefined,
  );
  return { dim, channels, height, width, single: n === 1 };
}

function networkOf(
  session: OnnxSession,
  { resize, ...form }: Form & { readonly resize?: FeatureResize },
  { device = { type: 'cpu' } }: EngineOptions,
): FeatureNetwork {
  const { dim } = form;
  const most = form.single ? 1 : ROWS[device.type];
  const tolerance = device.type === 'cpu' ? 0 : NOISE;
  const evaluate: Evaluate = async (data, shape, rows) => {
    const { features } = await session.run({ images: { data, shape } }, rows);
    if (features!.length === rows * dim) return features as Float32Array;
    throw engineFault(
      `the network gave ${features!.length} numbers for ${rows} images, and its file says ${dim} for each`,
      { expected: rows * dim, found: features!.length },
    );
  };
  /** How many are evaluated together of a size, by its pixels. */
  const together = new Map<string, Promise<number>>();
  const rowsOf = async (shape: readonly number[]) => {
    const [, height = 1, width = 1] = shape;
    const rows = Math.max(1, Math.min(most, Math.floor(MAX_PIXELS / (height * width))));
    const fit = rows === 1 || (await areIndependent(evaluate, shape, rows, { dim, tolerance }));
    return fit ? rows : 1;
  };
  return {
    dim,
    ...(resize && { resize }),
    batch: most,
    async features(images, progress = () => {}) {
      const shape = shapeOf(images, form);
      const { data, n, channels, height, width } = images;
      const key = `${shape}`;
      if (!together.has(key)) together.set(key, rowsOf(shape));
      const rows = await together.get(key)!;
      const own = channels * height * width;
      const size = shape[0]! * height * width;
      const result = new Float32Array(n * dim);
      for (let start = 0; start < n; start += rows) {
        const count = Math.min(rows, n - start);
        const given = new Float32Array(rows * size);
        for (let i = 0; i < count; i++) {
          const image = data.subarray((start + i) * own, (start + i + 1) * own);
          // a grey one as often as there are channels
          for (let at = 0; at < size; at += own) given.set(image, i * size + at);
        }
        const found = await evaluate(given, shape, rows);
        result.set(found.subarray(0, count * dim), start * dim);
        progress(start + count);
      }
      return result;
    },
    close: () => session.close(),
  };
}

/** Features [rows × dim] of images [rows, ...shape] of float32. */
type Evaluate = (data: Float32Array, shape: readonly number[], rows: number) => Promise<Float32Array>;

/**
 * Whether a row's features depend on the image in it alone. Tried on noise: all images move up by one row and the first
 * makes room for a new one, so that a row that is computed otherwise than the next shows, and one that hears of the
 * others, too.
 */
async function areIndependent(
  evaluate: Evaluate,
  shape: readonly number[],
  rows: number,
  { dim, tolerance }: { readonly dim: number; readonly tolerance: number },
): Promise<boolean> {
  const size = shape.reduce((a, b) => a * b, 1);
  let state = 1;
  // MINSTD, by Park and Miller: the same noise everywhere
  const noise = Float32Array.from(
    { length: (rows + 1) * size },
    () => (state = (state * 48271) % 2147483647) % 256,
  );
  const before = (await evaluate(noise.slice(0, -size), shape, rows)).subarray(dim);
  const after = await evaluate(noise.slice(size), shape, rows);
  const largest = before.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return before.every((value, i) => Math.abs(value - after[i]!) <= tolerance * largest);
}

/** Shape of one of the images as the network is given it. @throws ModelError `E_ENGINE` where they don't fit it */
function shapeOf(
  { data, n, ...images }: ByteImages | UnroundedImages,
  form: Form,
): readonly [number, number, number] {
  const { height, width } = images;
  const expected = n * images.channels * height * width;
  if (data.length !== expected)
    throw engineFault(
      `${n} images [${images.channels}, ${height}, ${width}] are ${expected} values, and there are ${data.length}`,
      { n, length: data.length },
    );
  const channels = images.channels === 1 && form.channels === 3 ? 3 : images.channels;
  if (channels !== (form.channels ?? channels))
    throw engineFault(
      `the network takes ${colour(form.channels)} images, and these are ${colour(channels)}; use a network for ${colour(channels)} images`,
      { expected: form.channels, found: channels },
    );
  if (height !== (form.height ?? height) || width !== (form.width ?? width))
    throw engineFault(
      `the network takes images of ${form.width ?? 'any'}×${form.height ?? 'any'}, and these are ${width}×${height}; resize them first`,
      { expected: [form.height, form.width], found: [height, width] },
    );
  return [channels, height, width];
}

const colour = (channels: number | undefined) =>
  channels === 1 ? 'grey' : channels === 3 ? 'RGB' : `${channels}-channel`;
