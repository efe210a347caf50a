import type { TensorBackend } from './tfjs/backend.js';

/** What evaluates networks. */
export type Device = { readonly type: 'cpu' } | { readonly type: 'tfjs'; readonly backend?: TensorBackend };
