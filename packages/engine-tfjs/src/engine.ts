import { type Engine, engineFault } from '@fewstep/models';
import { type TensorBackend, tensorBackends } from './tensor-backends.js';

/**
 * TF.js, for the device `tfjs`, on the fastest of its backends that is installed, or for `tfjs:wasm` and its like on that
 * one alone.
 *
 * - A graph's operators run one after another in float32, and a run holds the process until it is done.
 * - `check` throws ModelError `E_ENGINE` for what is no `TensorBackend`; `open`, too, when the backend is not there, or
 *   for an operator or attribute that is not known.
 */
export const engine: Engine = {
  check: (target) => void backendOf(target),
  async open(graph, signature, target) {
    const backend = backendOf(target);
    const { openTensorSession } = await import('./session.js');
    return openTensorSession(graph, signature, backend);
  },
};

function backendOf(target: string | undefined): TensorBackend | undefined {
  const backend = tensorBackends.find((one) => one === target);
  if (backend === undefined && target !== undefined)
    throw engineFault(`TF.js computes with ${tensorBackends.join(', ')}, not "${target}"`, { target });
  return backend;
}
