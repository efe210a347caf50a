export { cache } from './folder-cache.js';
