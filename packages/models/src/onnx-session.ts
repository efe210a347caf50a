import type { Device } from './device.js';
import { engineFault } from './errors.js';
import { splitSession } from './split-session.js';

/** A graph that is ready to run. */
export interface OnnxSession {
  /** How many devices share the samples of a run. */
  readonly devices: number;
  /** Arrays in and out by name; `shape` is a sample's, n is how many there are. */
  run(inputs: Readonly<Record<string, OnnxInput>>, n: number): Promise<Readonly<Record<string, OnnxOutput>>>;
  close(): Promise<void>;
}

export interface OnnxInput {
  readonly data: Float32Array | BigInt64Array;
  /** Of one sample. */
  readonly shape: readonly number[];
}

export type OnnxOutput = Float32Array | BigInt64Array;

/** What a graph is, in words, and the names that it must have. */
export interface OnnxSignature {
  readonly what: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** On what a graph runs, and how. */
export interface EngineOptions {
  /** By default ONNX Runtime on the CPU. */
  readonly device?: Device;
  /** Of the CPU, in ONNX Runtime; all cores by default. */
  readonly threads?: number;
}

/**
 * Opens a graph, a file or its bytes, in the engine that computes on the device.
 *
 * @throws ModelError `E_ENGINE` when the engine or the device is not there, the engine refuses the graph, or the graph
 *   has other names
 */
export async function openSession(
  graph: string | Uint8Array,
  signature: OnnxSignature,
  { device = { type: 'cpu' }, threads }: EngineOptions,
): Promise<OnnxSession> {
  if (device.type === 'tfjs') {
    const { openTensorSession } = await import('./tfjs/session.js');
    return openTensorSession(graph, signature, device.backend);
  }
  const options = threads === undefined ? {} : { threads };
  const { openOrtSession } = await import('./ort-session.js');
  if (!('ids' in device))
    return openOrtSession(graph, signature, { ...options, provider: { name: device.type } });
  // NVIDIA's libraries would multiply with 10 bits of mantissa where they can; they ask for this when they are loaded
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  const on = (deviceId: number) => ({ ...options, provider: { name: device.type, deviceId } });
  const [only, ...others] = device.ids;
  if (only !== undefined && others.length === 0) return openOrtSession(graph, signature, on(only));
  const { openInThread } = await import('./session-thread.js');
  return splitSession(
    device.ids.map((id) => ({
      name: `${device.type}:${id}`,
      open: () => openInThread(graph, signature, on(id)),
    })),
  );
}

/** A graph in words. */
export const graphName = (graph: string | Uint8Array): string =>
  typeof graph === 'string' ? graph : `graph of ${graph.length} bytes`;

/** @throws ModelError `E_ENGINE` when a graph has other inputs and outputs than its signature says */
export function checkNames(
  graph: string | Uint8Array,
  { what, inputs, outputs }: OnnxSignature,
  found: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
): void {
  if (sameNames(found.inputs, inputs) && sameNames(found.outputs, outputs)) return;
  throw engineFault(
    `${graphName(graph)} maps ${found.inputs} to ${found.outputs}; ${what} as described maps ${inputs} to ${outputs}`,
    found,
  );
}

const sameNames = (found: readonly string[], expected: readonly string[]) =>
  found.length === expected.length && expected.every((name) => found.includes(name));
