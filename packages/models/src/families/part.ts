import type { Known } from './family.js';

/** What is known and no denoiser, and what is said to who takes it for one. */
export interface Part extends Known {
  readonly remedy: string;
}
