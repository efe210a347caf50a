import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { engineFault } from './errors.js';
import {
  checkNames,
  graphName,
  type OnnxOutput,
  type OnnxSession,
  type OnnxSignature,
} from './onnx-session.js';

/**
 * Opens a graph in ONNX Runtime.
 *
 * @throws ModelError `E_ENGINE` when ONNX Runtime is not there, refuses the graph, or the graph has other names
 */
export async function openOrtSession(
  graph: string | Uint8Array,
  signature: OnnxSignature,
  { threads = availableParallelism() }: { readonly threads?: number },
): Promise<OnnxSession> {
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
    // the overloads take a path or bytes, not their union
    session = await ort.InferenceSession.create(graph as string, {
      intraOpNumThreads: threads,
      logSeverityLevel: 4,
    });
  } catch (cause) {
    const from = graphName(graph);
    throw engineFault(`ONNX Runtime refuses ${from}: ${(cause as Error).message}`, { graph: from }, cause);
  }
  try {
    checkNames(graph, signature, { inputs: session.inputNames, outputs: session.outputNames });
  } catch (error) {
    await session.release();
    throw error;
  }

  const { what, outputs } = signature;
  let open = true;
  return {
    async run(arrays, n) {
      if (!open) throw engineFault(`${what} was closed`);
      const feeds: Record<string, Tensor> = {};
      for (const [name, { data, shape }] of Object.entries(arrays)) {
        const dims = [n, ...shape];
        feeds[name] =
          data instanceof Float32Array
            ? new ort.Tensor('float32', data, dims)
            : new ort.Tensor('int64', data, dims);
      }
      try {
        const results = await session.run(feeds);
        return Object.fromEntries(outputs.map((name) => [name, results[name]!.data as OnnxOutput]));
      } catch (cause) {
        throw engineFault(
          `ONNX Runtime failed on ${n} samples: ${(cause as Error).message}`,
          { rows: n },
          cause,
        );
      }
    },
    async close() {
      if (!open) return;
      open = false;
      await session.release();
    },
  };
}
