import { checkIsFile } from '../files/source.js';
import type { Device } from './device.js';
import type { OnnxSession, OnnxSignature } from './onnx-session.js';

/** On what a graph runs, and how. */
export interface EngineOptions {
  /** By default ONNX Runtime on the CPU. */
  readonly device?: Device;
  /** Of the CPU, in ONNX Runtime; by default as many as `OMP_NUM_THREADS` says, else all cores. */
  readonly threads?: number;
}

/**
 * Opens a graph, a file or its bytes, in the engine that computes on the device.
 *
 * @throws ModelError `E_ENGINE` when the engine or the device is not there, the engine refuses the graph, or the graph
 *   has other names; `E_CHECKPOINT` for a path of what is no file
 */
export async function openSession(
  graph: string | Uint8Array,
  signature: OnnxSignature,
  { device = { type: 'cpu' }, threads }: EngineOptions,
): Promise<OnnxSession> {
  if (typeof graph === 'string') checkIsFile(graph);
  if (device.type === 'engine') {
    const { findEngine } = await import('./find-engine.js');
    return (await findEngine(device.name)).open(graph, signature, device.target);
  }
  const options = threads === undefined ? {} : { threads };
  const { openOrtSession } = await import('./ort-session.js');
  if (!('id' in device))
    return openOrtSession(graph, signature, { ...options, provider: { name: device.type } });
  // NVIDIA's libraries would multiply with 10 bits of mantissa where they can; they ask for this when they are loaded
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  const provider = { name: device.type, deviceId: device.id };
  return openOrtSession(graph, signature, { ...options, provider });
}
