import type { OnnxInput } from './engines/onnx-session.js';
import { type EngineOptions, openSession } from './engines/open-session.js';
import { engineFault } from './errors.js';
import type { DenoiserInfo } from './export-denoiser.js';

/** A batch to denoise; n is the length of `x` over C·R·R. */
export interface DenoiserRequest {
  /** [n × C·R·R], data units, sample after sample. */
  readonly x: Float64Array;
  /** Noise level in data units, above 0: one for all, or [n]. */
  readonly sigma: number | Float64Array;
  /** [n] classes; null, or no list at all: without class. */
  readonly labels?: readonly (number | null)[];
  /** What the network is told beside, where it is: [positions × width] for all samples, or n of them. */
  readonly condition?: Float64Array;
  /** Most samples that go through the network at once, up to 64; by default 64, fewer above 64×64 pixels, or 32×32 with a condition. A graph with a batch size of its own takes that. */
  readonly batch?: number;
}

/** A denoiser's answer for n samples, float32 values as doubles. */
export interface DenoiserResult {
  /** D(x; σ), laid out as `x`. */
  readonly denoised: Float64Array;
  /** [n × 64]; empty where the network has no bottleneck. */
  readonly bottleneck: Float64Array;
  /** Samples that went through the network: n, or more under guidance. */
  readonly forwards: number;
}

/** A denoiser that is ready to run. */
export interface LoadedDenoiser {
  readonly info: DenoiserInfo;
  /**
   * Evaluates D. Values go to float32 on the way in and come back exactly.
   *
   * Each sample's result is a function of that sample alone: neither n, nor `batch`, nor the place in the batch, nor
   * the number of threads changes it. In ONNX Runtime on the CPU that holds bit for bit, on other devices within
   * float32 noise.
   *
   * @throws ModelError `E_ENGINE` when sizes, noise levels or classes don't fit the network, or the engine fails on it.
   */
  evaluate(request: DenoiserRequest): Promise<DenoiserResult>;
  close(): Promise<void>;
}

const BOTTLENECK = 64;
const MAX_BATCH = 64;
/** 64 images of 64×64. */
const MAX_PIXELS = 2 ** 18;

/**
 * Opens a denoiser graph, as `exportDenoiser` writes it.
 *
 * @param graph a file, or its bytes
 * @param options `device`: ONNX Runtime on the CPU by default; `threads` of the CPU: all cores by default
 * @throws ModelError `E_ENGINE` when the engine or the device is not there, the engine refuses the graph, or the graph
 *   is not what `info` says; `E_ONNX` when it can't be read
 */
export async function openDenoiser(
  graph: string | Uint8Array,
  info: DenoiserInfo,
  options: EngineOptions = {},
): Promise<LoadedDenoiser> {
  const { channels, resolution, labelDim, condition } = info;
  const inputs = [
    'x',
    'sigma',
    ...(labelDim > 0 ? ['class_labels'] : []),
    ...(condition ? ['condition'] : []),
  ];
  const outputs = info.bottleneck ? ['denoised', 'bottleneck'] : ['denoised'];
  const session = await openSession(graph, { what: 'a denoiser', inputs, outputs }, options);
  const size = channels * resolution ** 2;
  return {
    info,
    async evaluate(request) {
      const { x, n, sigma, labels, tokens, batch } = check(request, info);
      const denoised = new Float64Array(n * size);
      const bottleneck = new Float64Array(info.bottleneck ? n * BOTTLENECK : 0);
      for (let start = 0; start < n; start += batch) {
        const end = Math.min(n, start + batch);
        // where the graph takes no fewer, the last sample stands for those that aren't there
        const rows = Array.from({ length: info.batch === undefined ? end - start : batch }, (_, row) =>
          Math.min(start + row, end - 1),
        );
        const slice = new Float32Array(rows.length * size);
        rows.forEach((sample, row) => {
          slice.set(x.subarray(sample * size, (sample + 1) * size), row * size);
        });
        const feeds: Record<string, OnnxInput> = {
          x: { data: slice, shape: [channels, resolution, resolution] },
          sigma: { data: Float32Array.from(rows, (sample) => sigma[sample]!), shape: [] },
        };
        if (labelDim > 0) {
          const oneHot = new Float32Array(rows.length * labelDim);
          rows.forEach((sample, row) => {
            const label = labels?.[sample] ?? null;
            if (label !== null) oneHot[row * labelDim + label] = 1;
          });
          feeds.class_labels = { data: oneHot, shape: [labelDim] };
        }
        if (condition && tokens) {
          const width = condition.positions * condition.width;
          const data = new Float32Array(rows.length * width);
          rows.forEach((sample, row) => {
            const from = tokens.length === width ? 0 : sample * width;
            data.set(tokens.subarray(from, from + width), row * width);
          });
          feeds.condition = { data, shape: [condition.positions, condition.width] };
        }
        const results = await session.run(feeds, rows.length);
        const take = (name: string, each: number) => {
          const found = results[name];
          // a file from elsewhere may say one shape and give another
          if (!(found instanceof Float32Array) || found.length !== rows.length * each)
            throw engineFault(
              `the graph gives ${found?.length} values as ${name} for ${rows.length} samples, where ${each} of float32 for each are due`,
              { name, length: found?.length },
            );
          return found.subarray(0, (end - start) * each);
        };
        denoised.set(take('denoised', size), start * size);
        if (info.bottleneck) bottleneck.set(take('bottleneck', BOTTLENECK), start * BOTTLENECK);
      }
      return { denoised, bottleneck, forwards: n };
    },
    close: () => session.close(),
  };
}

function check({ x, sigma, labels, condition, batch }: DenoiserRequest, info: DenoiserInfo) {
  const { channels, resolution, labelDim } = info;
  const n = x.length / (channels * resolution ** 2);
  if (!Number.isInteger(n))
    throw engineFault(
      `x has ${x.length} values, which are no whole number of ${channels}×${resolution}×${resolution} images`,
      {
        length: x.length,
      },
    );
  const sigmas = typeof sigma === 'number' ? new Float32Array(n).fill(sigma) : Float32Array.from(sigma);
  if (sigmas.length !== n)
    throw engineFault(`there are ${sigmas.length} noise levels for ${n} samples`, { n });
  const wrong = sigmas.find((level) => !(level > 0 && level < Infinity));
  if (wrong !== undefined)
    throw engineFault(`a noise level is a positive number, not ${wrong}`, { sigma: wrong });
  if (labels && labels.length !== n)
    throw engineFault(`there are ${labels.length} classes for ${n} samples`, { n });
  for (const label of labels ?? [])
    if (label !== null && !(Number.isInteger(label) && label >= 0 && label < labelDim))
      throw engineFault(
        labelDim > 0
          ? `there is no class ${label}; they go from 0 to ${labelDim - 1}`
          : 'this network has no classes',
        { label },
      );
  checkCondition(condition, n, info);
  // networks with cross attention hold four times as much of a pixel
  const pixels = info.condition ? MAX_PIXELS / 4 : MAX_PIXELS;
  const most = batch ?? Math.max(1, Math.min(MAX_BATCH, Math.floor(pixels / resolution ** 2)));
  if (!(Number.isInteger(most) && most >= 1 && most <= MAX_BATCH))
    throw engineFault(`batch is an integer from 1 to ${MAX_BATCH}, not ${batch}`, { batch });
  return { x, n, sigma: sigmas, labels, tokens: condition, batch: info.batch ?? most };
}

function checkCondition(condition: Float64Array | undefined, n: number, info: DenoiserInfo): void {
  if (!info.condition) {
    if (condition) throw engineFault('this network takes no condition', {});
    return;
  }
  const { positions, width } = info.condition;
  const length = condition?.length;
  if (length !== positions * width && length !== n * positions * width)
    throw engineFault(
      `this network is told ${positions} tokens of ${width} entries, once or for each of ${n} samples, not ${length ?? 'no'} values`,
      { length },
    );
}
