import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError } from './errors.js';
import type { DenoiserInfo } from './export-denoiser.js';

/** A batch to denoise; n is the length of `x` over C·R·R. */
export interface DenoiserRequest {
  /** [n × C·R·R], data units, sample after sample. */
  readonly x: Float64Array;
  /** Noise level in data units, above 0: one for all, or [n]. */
  readonly sigma: number | Float64Array;
  /** [n] classes; null, or no list at all: without class. */
  readonly labels?: readonly (number | null)[];
  /** Most samples that go through the network at once, up to 64; by default 64, fewer above 64×64 pixels. */
  readonly batch?: number;
}

/** A denoiser's answer for n samples, float32 values as doubles. */
export interface DenoiserResult {
  /** D(x; σ), laid out as `x`. */
  readonly denoised: Float64Array;
  /** [n × 64]; empty where the network has no bottleneck. */
  readonly bottleneck: Float64Array;
}

/** A denoiser that is ready to run. */
export interface LoadedDenoiser {
  readonly info: DenoiserInfo;
  /**
   * Evaluates D. Values go to float32 on the way in and come back exactly.
   *
   * Each sample's result is a function of that sample alone, bit for bit: neither n, nor `batch`, nor the place
   * in the batch, nor the number of threads changes it.
   *
   * @throws ModelError `E_ENGINE` when sizes, noise levels or classes don't fit the network.
   */
  evaluate(request: DenoiserRequest): Promise<DenoiserResult>;
  close(): Promise<void>;
}

const BOTTLENECK = 64;
const MAX_BATCH = 64;
/** 64 images of 64×64. */
const MAX_PIXELS = 2 ** 18;

/**
 * Opens a denoiser graph, as `exportDenoiser` writes it, in ONNX Runtime on the CPU.
 *
 * @param graph a file, or its bytes
 * @param options `threads`: all cores by default
 * @throws ModelError `E_ENGINE` when ONNX Runtime is not there, refuses the graph, or the graph is not what `info` says
 */
export async function openDenoiser(
  graph: string | Uint8Array,
  info: DenoiserInfo,
  { threads = availableParallelism() }: { threads?: number } = {},
): Promise<LoadedDenoiser> {
  const from = typeof graph === 'string' ? graph : `graph of ${graph.length} bytes`;
  const ort = await import('onnxruntime-node').catch((cause: Error) => {
    throw fault(
      `ONNX Runtime can't be loaded: ${cause.message}. Install onnxruntime-node for this platform`,
      {},
      cause,
    );
  });
  if (!Number.isSafeInteger(threads) || threads < 1)
    throw fault(`the number of threads is a positive integer, not ${threads}`, { threads });
  let session: InferenceSession;
  try {
    // the overloads take a path or bytes, not their union
    session = await ort.InferenceSession.create(graph as string, {
      intraOpNumThreads: threads,
      logSeverityLevel: 4,
    });
  } catch (cause) {
    throw fault(`ONNX Runtime refuses ${from}: ${(cause as Error).message}`, { graph: from }, cause);
  }
  const inputs = info.labelDim > 0 ? ['x', 'sigma', 'class_labels'] : ['x', 'sigma'];
  const outputs = info.bottleneck ? ['denoised', 'bottleneck'] : ['denoised'];
  if (!sameNames(session.inputNames, inputs) || !sameNames(session.outputNames, outputs)) {
    const found = { inputs: session.inputNames, outputs: session.outputNames };
    await session.release();
    throw fault(
      `${from} maps ${found.inputs} to ${found.outputs}; a denoiser as described maps ${inputs} to ${outputs}`,
      found,
    );
  }

  const { channels, resolution, labelDim } = info;
  const size = channels * resolution ** 2;
  let open = true;
  return {
    info,
    async evaluate(request) {
      if (!open) throw fault('the denoiser was closed');
      const { x, n, sigma, labels, batch } = check(request, info);
      const denoised = new Float64Array(n * size);
      const bottleneck = new Float64Array(info.bottleneck ? n * BOTTLENECK : 0);
      for (let start = 0; start < n; start += batch) {
        const rows = Math.min(batch, n - start);
        const slice = Float32Array.from(x.subarray(start * size, (start + rows) * size));
        const feeds: Record<string, Tensor> = {
          x: new ort.Tensor('float32', slice, [rows, channels, resolution, resolution]),
          sigma: new ort.Tensor('float32', sigma.slice(start, start + rows), [rows]),
        };
        if (labelDim > 0) {
          const oneHot = new Float32Array(rows * labelDim);
          labels?.slice(start, start + rows).forEach((label, row) => {
            if (label !== null) oneHot[row * labelDim + label] = 1;
          });
          feeds.class_labels = new ort.Tensor('float32', oneHot, [rows, labelDim]);
        }
        let results: InferenceSession.OnnxValueMapType;
        try {
          results = await session.run(feeds);
        } catch (cause) {
          throw fault(`ONNX Runtime failed on ${rows} samples: ${(cause as Error).message}`, { rows }, cause);
        }
        denoised.set(results.denoised!.data as Float32Array, start * size);
        if (info.bottleneck) bottleneck.set(results.bottleneck!.data as Float32Array, start * BOTTLENECK);
      }
      return { denoised, bottleneck };
    },
    async close() {
      if (!open) return;
      open = false;
      await session.release();
    },
  };
}

const fault = (message: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
  new ModelError('E_ENGINE', message, evidence, { cause });

const sameNames = (found: readonly string[], expected: readonly string[]) =>
  found.length === expected.length && expected.every((name) => found.includes(name));

function check({ x, sigma, labels, batch }: DenoiserRequest, info: DenoiserInfo) {
  const { channels, resolution, labelDim } = info;
  const n = x.length / (channels * resolution ** 2);
  if (!Number.isInteger(n))
    throw fault(
      `x has ${x.length} values, which are no whole number of ${channels}×${resolution}×${resolution} images`,
      {
        length: x.length,
      },
    );
  const sigmas = typeof sigma === 'number' ? new Float32Array(n).fill(sigma) : Float32Array.from(sigma);
  if (sigmas.length !== n) throw fault(`there are ${sigmas.length} noise levels for ${n} samples`, { n });
  const wrong = sigmas.find((level) => !(level > 0 && level < Infinity));
  if (wrong !== undefined) throw fault(`a noise level is a positive number, not ${wrong}`, { sigma: wrong });
  if (labels && labels.length !== n)
    throw fault(`there are ${labels.length} classes for ${n} samples`, { n });
  for (const label of labels ?? [])
    if (label !== null && !(Number.isInteger(label) && label >= 0 && label < labelDim))
      throw fault(
        labelDim > 0
          ? `there is no class ${label}; they go from 0 to ${labelDim - 1}`
          : 'this network has no classes',
        { label },
      );
  const most = batch ?? Math.max(1, Math.min(MAX_BATCH, Math.floor(MAX_PIXELS / resolution ** 2)));
  if (!(Number.isInteger(most) && most >= 1 && most <= MAX_BATCH))
    throw fault(`batch is an integer from 1 to ${MAX_BATCH}, not ${batch}`, { batch });
  return { x, n, sigma: sigmas, labels, batch: most };
}
