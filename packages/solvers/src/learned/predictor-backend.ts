import { createRequire } from 'node:module';

/** From the fastest; none of them is required. The CPU one comes with this package. */
const optional = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node', '@tensorflow/tfjs-backend-wasm'];

let picked: Promise<string> | undefined;

/** Makes TF.js ready on the best backend that is installed, once per process, and gives its name (`cpu`, `wasm`, `tensorflow`). */
export function tensorBackend(): Promise<string> {
  return (picked ??= pick());
}

async function pick(): Promise<string> {
  const { enableProdMode, getBackend, ready } = await import('@tensorflow/tfjs-core');
  enableProdMode(); // otherwise the CPU backend advertises another one on standard error
  for (const name of optional)
    try {
      await import(/* @vite-ignore */ name);
      await ready();
      return getBackend();
    } catch (error) {
      sayWhy(name, error); // the next one
    }
  await import('@tensorflow/tfjs-backend-cpu');
  await ready();
  return getBackend();
}

/** One that is not installed is nothing to speak of; one that is and doesn't work may be what somebody counts on. */
function sayWhy(name: string, error: unknown): void {
  if (!isInstalled(name)) return;
  const { message } = error as Error;
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
