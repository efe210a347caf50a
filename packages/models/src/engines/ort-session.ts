import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { engineFault } from '../errors.js';
import {
  checkNames,
  graphName,
  type OnnxOutput,
  type OnnxSession,
  type OnnxSignature,
  onnxSession,
} from './onnx-session.js';
import { withoutTelemetry } from './telemetry.js';
import { forWebGpu } from './webgpu-graph.js';

/** With what ONNX Runtime computes, as it calls it. */
type OrtProvider =
  | { readonly name: 'cpu' | 'webgpu' }
  | { readonly name: 'cuda' | 'tensorrt'; readonly deviceId: number };

export interface OrtOptions {
  readonly provider: OrtProvider;
  /** Of the CPU; by default as many as `OMP_NUM_THREADS` says, else all cores. */
  readonly threads?: number;
}

/**
 * Opens a graph in ONNX Runtime. Operators that a GPU's provider doesn't have run on the CPU; a provider that is not
 * there as a whole is an error.
 *
 * @throws ModelError `E_ENGINE` when ONNX Runtime or the provider is not there, it refuses the graph, or the graph has
 *   other names
 */
export async function openOrtSession(
  graph: string | Uint8Array,
  signature: OnnxSignature,
  { provider, threads = ownThreads() }: OrtOptions,
): Promise<OnnxSession> {
  withoutTelemetry();
  const ort = await import('onnxruntime-node').catch((cause: Error) => {
    throw engineFault(
      `ONNX Runtime can't be loaded: ${cause.message}. Install onnxruntime-node for this platform`,
      {},
      cause,
    );
  });
  if (!Number.isSafeInteger(threads) || threads < 1)
    throw engineFault(`the number of threads is a positive integer, not ${threads}`, { threads });
  let session: InferenceSession;
  try {
    const placed =
      provider.name === 'webgpu'
        ? await forWebGpu(graph, ort)
        : { graph, options: { executionProviders: [provider] } };
    // the overloads take a path or bytes, not their union
    session = await ort.InferenceSession.create(placed.graph as string, {
      ...placed.options,
      intraOpNumThreads: threads,
      logSeverityLevel: 4,
    });
  } catch (cause) {
    const from = graphName(graph);
    const { message } = cause as Error;
    if (provider.name !== 'cpu')
      throw engineFault(
        `ONNX Runtime can't open ${from} on ${provider.name}: ${message.trim().replace(SOURCE, '')}. ${remedies[provider.name]}; as it is installed, it has ${bundled(ort)}`,
        { graph: from, provider: provider.name },
        cause,
      );
    throw engineFault(
      `ONNX Runtime refuses ${from}: ${message}. Either the file is at fault, or there is not enough memory for it`,
      { graph: from },
      cause,
    );
  }
  try {
    checkNames(graph, signature, { inputs: session.inputNames, outputs: session.outputNames });
  } catch (error) {
    await session.release();
    throw error;
  }

  const { what, outputs } = signature;
  return onnxSession(what, {
    async run(arrays, n) {
      const feeds: Record<string, Tensor> = {};
      for (const [name, { data, shape }] of Object.entries(arrays)) {
        const dims = [n, ...shape];
        feeds[name] =
          data instanceof Float32Array
            ? new ort.Tensor('float32', data, dims)
            : new ort.Tensor('int64', data, dims);
      }
      try {
        const results = await session.run(feeds, outputs);
        return Object.fromEntries(outputs.map((name) => [name, results[name]!.data as OnnxOutput]));
      } catch (cause) {
        throw engineFault(
          `ONNX Runtime failed on ${what} with ${n} samples: ${(cause as Error).message}. Fewer samples at once need less memory; an operator that fails on one alone is the file's`,
          { rows: n },
          cause,
        );
      }
    },
    close: () => session.release(),
  });
}

/** Who starts several processes shares the cores among them by this variable, as torchrun and Slurm's users do. */
function ownThreads(): number {
  const said = Number(process.env.OMP_NUM_THREADS);
  return Number.isSafeInteger(said) && said >= 1 ? said : availableParallelism();
}

/** Where in ONNX Runtime's source it failed, and what it held to be true there. */
const SOURCE = /^\/onnxruntime_src\/.* was false\. /s;

/** What must be there. */
const remedies = {
  cuda: 'It takes an NVIDIA GPU, its driver, CUDA 12 with cuDNN 9, and "node node_modules/onnxruntime-node/script/install.js"',
  tensorrt:
    'It takes an NVIDIA GPU, its driver, CUDA 12 with cuDNN 9, TensorRT 10, and "node node_modules/onnxruntime-node/script/install.js"',
  webgpu: 'It takes a GPU with its driver for Vulkan, Metal or Direct3D 12',
} as const;

const bundled = ({ listSupportedBackends }: typeof import('onnxruntime-node')) =>
  listSupportedBackends()
    .flatMap((one) => (one.bundled ? [one.name] : []))
    .join(', ');
