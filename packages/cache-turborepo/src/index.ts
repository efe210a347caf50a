export { cache } from './turborepo-cache.js';
