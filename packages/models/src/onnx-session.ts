import { availableParallelism } from 'node:os';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError } from './errors.js';

/** A graph that is ready to run in ONNX Runtime. */
export interface OnnxSession {
  /** Arrays in and out by name; `shape` is a sample's, n is how many there are. */
  run(inputs: Readonly<Record<string, OnnxInput>>, n: number): Promise<Readonly<Record<string, OnnxOutput>>>;
  close(): Promise<void>;
}

export interface OnnxInput {
  readonly data: Float32Array | BigInt64Array;
  /** Of one sample. */
  readonly shape: readonly number[];
}

type OnnxOutput = Float32Array | BigInt64Array;

/** What a graph is, in words, and the names that it must have. */
export interface OnnxSignature {
  readonly what: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** How ONNX Runtime runs a graph. */
export interface EngineOptions {
  /** All cores by default. */
  readonly threads?: number;
}

export const engineFault = (message: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
  new ModelError('E_ENGINE', message, evidence, { cause });

/**
 * Opens a graph, a file or its bytes, on the CPU.
 *
 * @throws ModelError `E_ENGINE` when ONNX Runtime is not there, refuses the graph, or the graph has other names
 */
export async function openSession(
  graph: string | Uint8Array,
  { what, inputs, outputs }: OnnxSignature,
  { threads = availableParallelism() }: EngineOptions,
): Promise<OnnxSession> {
  const from = typeof graph === 'string' ? graph : `graph of ${graph.length} bytes`;
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
    throw engineFault(`ONNX Runtime refuses ${from}: ${(cause as Error).message}`, { graph: from }, cause);
  }
  if (!sameNames(session.inputNames, inputs) || !sameNames(session.outputNames, outputs)) {
    const found = { inputs: session.inputNames, outputs: session.outputNames };
    await session.release();
    throw engineFault(
      `${from} maps ${found.inputs} to ${found.outputs}; ${what} as described maps ${inputs} to ${outputs}`,
      found,
    );
  }

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

const sameNames = (found: readonly string[], expected: readonly string[]) =>
  found.length === expected.length && expected.every((name) => found.includes(name));
