import { engineFault } from '../errors.js';
import { type TensorBackend, tensorBackends } from './tfjs/tensor-backends.js';

/**
 * What evaluates networks: ONNX Runtime on the CPU, on NVIDIA's GPUs by their numbers, through TensorRT there, or on
 * any GPU through WebGPU; or TF.js, on the best of its backends that is installed where none is named.
 *
 * Several GPUs share the samples of a call.
 */
export type Device =
  | { readonly type: 'cpu' | 'webgpu' }
  | { readonly type: 'cuda' | 'tensorrt'; readonly ids: readonly number[] }
  | { readonly type: 'tfjs'; readonly backend?: TensorBackend };

const spellings = ['cpu', 'cuda', 'cuda:0', 'cuda:0,1', 'tensorrt', 'webgpu', 'tfjs'];

/**
 * The device of a word: `cpu`, `cuda`, `cuda:0`, `cuda:0,1`, `tensorrt` and its like, `webgpu`, `tfjs`, `tfjs:wasm`.
 *
 * @throws ModelError `E_ENGINE` for any other word
 */
export function parseDevice(text: string): Device {
  const [, type, rest] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  switch (type) {
    case 'cpu':
    case 'webgpu':
      if (rest === undefined) return { type };
      break;
    case 'cuda':
    case 'tensorrt': {
      if (rest === undefined) return { type, ids: [0] };
      const ids = rest.split(',');
      if (ids.every((id) => /^\d{1,3}$/.test(id)) && new Set(ids.map(Number)).size === ids.length)
        return { type, ids: ids.map(Number) };
      throw engineFault(
        `device "${text}": behind ${type}: are the numbers of GPUs, each once, as in ${type}:0,1`,
        { device: text },
      );
    }
    case 'tfjs': {
      if (rest === undefined) return { type };
      const backend = tensorBackends.find((one) => one === rest);
      if (backend) return { type, backend };
      throw engineFault(`device "${text}": TF.js computes with ${tensorBackends.join(', ')}, not "${rest}"`, {
        device: text,
      });
    }
  }
  throw engineFault(
    `there is no device "${text}"; one of ${spellings.join(', ')}, ${tensorBackends.map((one) => `tfjs:${one}`).join(', ')}`,
    { device: text },
  );
}
