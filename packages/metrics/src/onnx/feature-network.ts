import { MetricsError } from '../errors.js';
import { kindOfFile, statsOf } from '../files.js';
import { checkImages, type ImageBatch } from '../images/images.js';

/** A network that turns images into feature vectors. */
export interface FeatureNetwork {
  /** Length of a feature vector. */
  readonly dim: number;
  /**
   * Feature vectors [n × dim] of n images.
   *
   * An image's vector is the same bit for bit whatever batch it comes in: images are evaluated one by one. A grey image
   * has its channel three times for a network of colours, as in the official code.
   *
   * @throws MetricsError E_NETWORK where the network fails on them, E_IMAGES where there are other bytes than it says
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
 * `features` (float32 [n, dim]) on the CPU; other outputs are not computed. `openFeatureNetwork` of @fewstep/models also
 * takes weights, runs on GPUs, and evaluates several images at once.
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
  const sizesOf = (values: typeof session.inputMetadata, name: string, rank: number) => {
    const value = values.find((one) => one.name === name);
    return value?.isTensor && value.type === 'float32' && value.shape.length === rank ? value.shape : [];
  };
  const [, channels] = sizesOf(session.inputMetadata, 'images', 4);
  const [, dim] = sizesOf(session.outputMetadata, 'features', 2);
  if (session.inputNames.length !== 1 || channels === undefined || typeof dim !== 'number' || dim < 1) {
    await session.release();
    const [inputs, outputs] = [session.inputNames, session.outputNames];
    throw fail(
      `a feature network maps one input images, float32 [n, channels, height, width], to an output features, float32 [n, dim] with a fixed dim, and this one maps ${inputs.join(', ')} to ${outputs.join(', ')}`,
      { inputs, outputs },
    );
  }
  const vectorOf = async (image: Float32Array, shape: readonly number[]) => {
    const given = new Tensor('float32', image, shape);
    const found = await session.run({ images: given }, ['features']).catch((cause: Error) => {
      throw fail(`ONNX Runtime failed on an image [${shape}]: ${cause.message}`, { shape }, cause);
    });
    const { data } = found.features!;
    if (data.length === dim) return data as Float32Array;
    throw fail(`gave ${data.length} features for an image, and its file says ${dim}`, { found: data.length });
  };
  return {
    dim,
    async features(images) {
      checkImages(images);
      const { data, n, height, width } = images;
      const size = images.channels * height * width;
      const planes = images.channels === 1 && channels === 3 ? 3 : images.channels;
      const result = new Float32Array(n * dim);
      for (let i = 0; i < n; i++) {
        const image = new Float32Array(planes * height * width);
        // a grey one as often as there are channels
        for (let at = 0; at < image.length; at += size)
          image.set(data.subarray(i * size, (i + 1) * size), at);
        result.set(await vectorOf(image, [1, planes, height, width]), i * dim);
      }
      return result;
    },
    close: () => session.release(),
  };
}
