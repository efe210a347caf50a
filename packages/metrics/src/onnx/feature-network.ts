import type { InferenceSession } from 'onnxruntime-node';
import { MetricsError } from '../errors.js';
import { kindOfFile, statsOf } from '../files.js';
import { checkImages, type ImageBatch } from '../images/images.js';

/** A network that turns images into feature vectors. */
export interface FeatureNetwork {
  /** Length of a feature vector. */
  readonly dim: number;
  /** Image size that the network asks for; undefined where it takes any. */
  readonly channels: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
  /**
   * Feature vectors [n × dim] of n images.
   *
   * An image's vector is the same bit for bit whatever batch it comes in: images are evaluated one by one. A grey image
   * has its channel three times for a network of colours, as in the official code.
   *
   * @throws MetricsError E_NETWORK where the images are not of the network's size and colour, or it fails on them.
   */
  features(images: ImageBatch): Promise<Float32Array>;
  close(): Promise<void>;
}

/** How a feature network is run. */
export interface FeatureNetworkOptions {
  /** Threads of an evaluation. Default: all cores. */
  readonly threads?: number;
}

/**
 * Opens an ONNX file with input `images` (float32 [n, channels, height, width], values 0…255, n free) and output
 * `features` (float32 [n, dim]); other outputs are not computed.
 *
 * @throws MetricsError E_NETWORK where the file is missing, no ONNX or of another form.
 */
export async function openFeatureNetwork(
  path: string,
  { threads = 0 }: FeatureNetworkOptions = {},
): Promise<FeatureNetwork> {
  const fail = (why: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
    new MetricsError('E_NETWORK', `${path}: ${why}`, { file: path, ...evidence }, { cause });
  if (statsOf(path, 'E_NETWORK', 'file of an ONNX network').isDirectory())
    throw fail('is a folder, no ONNX file');
  // It posts what it is used for, unless this is set before it is loaded. Who has set it decides.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(path, { intraOpNumThreads: threads }).catch(
    (cause: Error) => {
      const kind = kindOfFile(path);
      throw fail(
        kind === undefined
          ? `can't be opened as an ONNX network (${cause.message})`
          : `is ${kind}, and a feature network is an ONNX file`,
        {},
        cause,
      );
    },
  );
  try {
    const [channels, height, width] = imageSize(session, fail);
    const sizes = { dim: featureCount(session, fail), channels, height, width };
    return {
      ...sizes,
      features: (images) =>
        evaluate(
          async (image, shape) =>
            (await session.run({ images: new Tensor('float32', image, shape) }, ['features'])).features?.data,
          sizes,
          images,
          fail,
        ),
      close: () => session.release(),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

type Fail = (why: string, evidence?: Record<string, unknown>, cause?: unknown) => MetricsError;

/** Sizes of input `images` after n; those that the file leaves open are undefined. */
function imageSize(session: InferenceSession, fail: Fail): (number | undefined)[] {
  const [input] = session.inputMetadata;
  if (session.inputNames.length !== 1 || session.inputNames[0] !== 'images')
    throw fail(
      `a feature network has one input "images", and this one has ${session.inputNames.join(', ')}`,
      { inputs: session.inputNames },
    );
  if (!input?.isTensor || input.type !== 'float32' || input.shape.length !== 4)
    throw fail('its input "images" is not float32 [n, channels, height, width]', { input });
  if (typeof input.shape[0] === 'number' && input.shape[0] > 1)
    throw fail(`takes exactly ${input.shape[0]} images at once; export it with a free batch size`, {
      shape: input.shape,
    });
  return input.shape.slice(1).map((size) => (typeof size === 'number' && size > 0 ? size : undefined));
}

function featureCount(session: InferenceSession, fail: Fail): number {
  const output = session.outputMetadata.find(({ name }) => name === 'features');
  if (!output)
    throw fail(
      `a feature network has an output "features", and this one has ${session.outputNames.join(', ')}`,
      { outputs: session.outputNames },
    );
  const dim = output.isTensor && output.shape.length === 2 ? output.shape[1] : undefined;
  if (!output.isTensor || output.type !== 'float32' || typeof dim !== 'number' || dim < 1)
    throw fail('its output "features" is not float32 [n, dim] with a fixed dim', { output });
  return dim;
}

type Sizes = Pick<FeatureNetwork, 'dim' | 'channels' | 'height' | 'width'>;

async function evaluate(
  vectorOf: (image: Float32Array, shape: readonly number[]) => Promise<unknown>,
  sizes: Sizes,
  images: ImageBatch,
  fail: Fail,
): Promise<Float32Array> {
  checkImages(images);
  const { data, n, height, width } = images;
  const area = height * width;
  const channels = images.channels === 1 && sizes.channels === 3 ? 3 : images.channels;
  if (channels !== (sizes.channels ?? channels))
    throw fail(
      `takes ${colour(sizes.channels)} images, and these are ${colour(channels)}; use a network for ${colour(channels)} images`,
      { expected: sizes.channels, found: channels },
    );
  if (height !== (sizes.height ?? height) || width !== (sizes.width ?? width))
    throw fail(
      `takes images of ${sizes.width ?? 'any'}×${sizes.height ?? 'any'}, and these are ${width}×${height}; resize them first`,
      { expected: [sizes.height, sizes.width], found: [height, width] },
    );
  const size = images.channels * area;
  const result = new Float32Array(n * sizes.dim);
  for (let i = 0; i < n; i++) {
    const own = data.subarray(i * size, (i + 1) * size);
    const image = new Float32Array(channels * area);
    for (let at = 0; at < image.length; at += size) image.set(own, at); // a grey one as often as there are channels
    const shape = [1, channels, height, width];
    const vector = await vectorOf(image, shape).catch((cause: Error) => {
      throw fail(
        `ONNX Runtime failed on an image [${shape}]: ${cause.message}. The network's operators don't take what its inputs promise, or memory ran out`,
        { shape },
        cause,
      );
    });
    const found = vector instanceof Float32Array ? vector.length : undefined;
    if (found !== sizes.dim)
      throw fail(`gave a feature vector of ${found} numbers, and its file says ${sizes.dim}`, {
        expected: sizes.dim,
        found,
      });
    result.set(vector as Float32Array, i * sizes.dim);
  }
  return result;
}

const colour = (channels: number | undefined) =>
  channels === 1 ? 'grey' : channels === 3 ? 'RGB' : `${channels}-channel`;
