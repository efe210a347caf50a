import * as tf from '@tensorflow/tfjs-core';
import { engineFault } from '../errors.js';

/** Packages that compute for TF.js, from the fastest. The last one comes with this package. */
const packages = {
  'node-gpu': '@tensorflow/tfjs-node-gpu',
  node: '@tensorflow/tfjs-node',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
} as const;

/** What TF.js computes with: libtensorflow on a GPU or the CPU, WebAssembly, or JavaScript. */
export type TensorBackend = keyof typeof packages;

const tensorBackends = Object.keys(packages) as readonly TensorBackend[];

/** The names under which they announce themselves. */
const registered = {
  'node-gpu': 'tensorflow',
  node: 'tensorflow',
  wasm: 'wasm',
  cpu: 'cpu',
} as const satisfies Record<TensorBackend, string>;

/**
 * Makes TF.js compute with a backend, the fastest that is installed when none is named, and gives its name.
 *
 * @throws ModelError `E_ENGINE` when the named one is not installed, or doesn't work here
 */
export async function openBackend(wanted?: TensorBackend): Promise<TensorBackend> {
  tf.enableProdMode(); // otherwise the CPU backend advertises another one on standard error
  if (wanted) {
    await use(wanted).catch((cause: Error) => {
      throw engineFault(
        `TF.js can't compute with ${wanted}: ${cause.message}. npm install ${packages[wanted]}, or leave ":${wanted}" out for the best that is installed`,
        { backend: wanted },
        cause,
      );
    });
    return wanted;
  }
  for (const backend of tensorBackends)
    try {
      await use(backend);
      return backend;
    } catch {
      // Not installed, or not usable on this machine: the next one.
    }
  throw engineFault(`TF.js has nothing to compute with: npm install ${packages.cpu}`);
}

async function use(backend: TensorBackend): Promise<void> {
  await (backend === 'cpu'
    ? import('@tensorflow/tfjs-backend-cpu')
    : import(/* @vite-ignore */ packages[backend]));
  if (!(await tf.setBackend(registered[backend]))) throw new Error('it is installed, but does not start');
}

/** Makes TF.js compute with a backend that was opened: another session may have taken another one. */
export function useBackend(backend: TensorBackend): void {
  void tf.setBackend(registered[backend]); // at once, where it has been started before
}
