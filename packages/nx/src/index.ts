// the same by the name that Nx looks for first
export { createNodes, createNodes as createNodesV2 } from './experiments.js';
