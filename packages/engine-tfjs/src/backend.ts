import { createRequire } from 'node:module';
import { engineFault } from '@fewstep/models';
import * as tf from '@tensorflow/tfjs-core';
import { type TensorBackend, tensorBackends, tensorPackages } from './tensor-backends.js';

/**
 * Makes TF.js compute with a backend, the fastest that is installed when none is named, and gives its name.
 *
 * @throws ModelError `E_ENGINE` when the named one is not installed, or doesn't work here
 */
export async function openBackend(wanted?: TensorBackend): Promise<TensorBackend> {
  tf.enableProdMode(); // otherwise the CPU backend advertises another one on standard error
  if (wanted) {
    await use(wanted).catch((cause: Error) => {
      const [why] = cause.message.split('\n');
      throw engineFault(
        `TF.js can't compute with ${wanted}: ${why}. npm install ${tensorPackages[wanted].package}, or take the best that is installed, which is the device tfjs`,
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
    } catch (error) {
      sayWhy(tensorPackages[backend].package, error as Error); // the next one
    }
  throw engineFault(`TF.js has nothing to compute with: npm install ${tensorPackages.cpu.package}`);
}

async function use(backend: TensorBackend): Promise<void> {
  await (backend === 'cpu'
    ? import('@tensorflow/tfjs-backend-cpu')
    : import(/* @vite-ignore */ tensorPackages[backend].package));
  if (!(await tf.setBackend(tensorPackages[backend].name)))
    throw new Error('it is installed, but does not start');
}

/** Makes TF.js compute with a backend that was opened: another session may have taken another one. */
export function useBackend(backend: TensorBackend): void {
  void tf.setBackend(tensorPackages[backend].name); // at once, where it has been started before
}

/** One that is not installed is nothing to speak of; one that is and doesn't work may be what somebody counts on. */
function sayWhy(name: string, { message }: Error): void {
  if (!isInstalled(name)) return;
  const [why] = message.split('\n');
  process.emitWarning(`${name} is installed and doesn't work (${why}): another backend of TF.js is taken`, {
    code: 'W_BACKEND',
  });
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
