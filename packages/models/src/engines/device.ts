import { engineFault } from '../errors.js';
import { findEngine, maybeEngine } from './find-engine.js';

/**
 * What evaluates networks: ONNX Runtime on the CPU, on NVIDIA's GPUs by their numbers, through TensorRT there, or on
 * any GPU through WebGPU; or the engine of a package `@fewstep/engine-NAME`, on its target where it has several.
 */
export type Device =
  | { readonly type: 'cpu' | 'webgpu' }
  | { readonly type: 'cuda' | 'tensorrt'; readonly id: number }
  | { readonly type: 'engine'; readonly name: string; readonly target?: string };

/** Engines of ours: their words name a device, whether they are installed or not. */
const engines = ['tfjs'];
const spellings = [
  ...['cpu', 'cuda', 'cuda:1', 'tensorrt', 'webgpu'],
  ...['tfjs', 'tfjs:node-gpu', 'tfjs:node', 'tfjs:wasm', 'tfjs:cpu'],
];

/**
 * The device of a word: `cpu`, `cuda`, `cuda:1`, `tensorrt` and its like, `webgpu`; `tfjs`, `tfjs:wasm` and the words of
 * other engines, which are loaded to be asked.
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
    if (/^\d{1,3}$/.test(rest ?? '0')) return { type, id: Number(rest ?? 0) };
    throw engineFault(`device "${text}": behind ${type}: is the number of a GPU, as in ${type}:1`, {
      device: text,
    });
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

/**
 * The devices of a word that names several, in its order: `cpu,webgpu`, `cuda:0,1`, which is `cuda:0,cuda:1`.
 *
 * @throws ModelError `E_ENGINE` as `parseDevice`, and where one is named twice
 */
export async function parseDevices(text: string): Promise<readonly Device[]> {
  const words: string[] = [];
  for (const part of text.split(',')) {
    const [, gpus] = /^(cuda|tensorrt):\d+$/.exec(words.at(-1) ?? '') ?? [];
    words.push(gpus !== undefined && /^\d+$/.test(part) ? `${gpus}:${part}` : part);
  }
  const devices: Device[] = [];
  for (const word of words) devices.push(await parseDevice(word));
  const names = devices.map((device) => Object.values(device).join(':'));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return devices;
  throw engineFault(`device "${text}" names ${twice} twice; each is named once`, { device: text });
}

const noDevice = (text: string) =>
  engineFault(`there is no device "${text}"; one of ${spellings.join(', ')}`, { device: text });
