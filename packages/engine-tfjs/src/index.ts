export { engine } from './engine.js';
export type { TensorBackend } from './tensor-backends.js';
