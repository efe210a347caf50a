import { engineFault } from '../errors.js';
import { findEngine, maybeEngine } from './find-engine.js';

/**
 * What evaluates networks: ONNX Runtime on the CPU, on NVIDIA's GPUs by their numbers, through TensorRT there, or on
 * any GPU through WebGPU; or the engine of a package `@fewstep/engine-NAME`, on its target where it has several.
 *
 * Several GPUs share the samples of a call.
 */
export type Device =
  | { readonly type: 'cpu' | 'webgpu' }
  | { readonly type: 'cuda' | 'tensorrt'; readonly ids: readonly number[] }
  | { readonly type: 'engine'; readonly name: string; readonly target?: string };

/** Engines of ours: their words name a device, whether they are installed or not. */
const engines = ['tfjs'];
const spellings = [
  ...['cpu', 'cuda', 'cuda:0', 'cuda:0,1', 'tensorrt', 'webgpu'],
  ...['tfjs', 'tfjs:node-gpu', 'tfjs:node', 'tfjs:wasm', 'tfjs:cpu'],
];

/**
 * The device of a word: `cpu`, `cuda`, `cuda:0`, `cuda:0,1`, `tensorrt` and its like, `webgpu`; `tfjs`, `tfjs:wasm` and
 * the words of other engines, which are loaded to be asked.
 *
 * @throws ModelError `E_ENGINE` for any other word, and where the engine is not installed
 */
export async function parseDevice(text: string): Promise<Device> {
  const [, type = '', rest] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (type === 'cpu' || type === 'webgpu') {
    if (rest === undefined) return { type };
    throw noDevice(text);
  }
  if (type === 'cuda' || type === 'tensorrt') {
    const ids = (rest ?? '0').split(',');
    if (ids.every((id) => /^\d{1,3}$/.test(id)) && new Set(ids.map(Number)).size === ids.length)
      return { type, ids: ids.map(Number) };
    throw engineFault(
      `device "${text}": behind ${type}: are the numbers of GPUs, each once, as in ${type}:0,1`,
      { device: text },
    );
  }
  const engine = await (engines.includes(type) ? findEngine(type) : maybeEngine(type));
  if (!engine) throw noDevice(text);
  try {
    engine.check(rest);
  } catch (cause) {
    throw engineFault(`device "${text}": ${(cause as Error).message}`, { device: text }, cause);
  }
  return { type: 'engine', name: type, ...(rest !== undefined && { target: rest }) };
}

const noDevice = (text: string) =>
  engineFault(`there is no device "${text}"; one of ${spellings.join(', ')}`, { device: text });
