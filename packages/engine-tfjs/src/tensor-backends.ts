/** Packages that compute for TF.js, from the fastest, and the names under which they announce themselves. */
export const tensorPackages = {
  'node-gpu': { package: '@tensorflow/tfjs-node-gpu', name: 'tensorflow' },
  node: { package: '@tensorflow/tfjs-node', name: 'tensorflow' },
  wasm: { package: '@tensorflow/tfjs-backend-wasm', name: 'wasm' },
  cpu: { package: '@tensorflow/tfjs-backend-cpu', name: 'cpu' },
} as const;

/** What TF.js computes with: libtensorflow on a GPU or the CPU, WebAssembly, or JavaScript. */
export type TensorBackend = keyof typeof tensorPackages;

export const tensorBackends = Object.keys(tensorPackages) as readonly TensorBackend[];
