import type { Tensors } from '../files/tensor.js';
import type { ClipTextOptions } from '../networks/clip-text-encoder.js';
import type { FirstStageOptions } from '../networks/first-stage-decoder.js';
import type { GuidedUNetOptions } from '../networks/guided-unet.js';
import type { LatentUNetOptions } from '../networks/latent-unet.js';
import type { Preconditioning } from '../networks/preconditioning.js';
import type { EdmNetworkOptions } from './edm-options.js';

/** A denoiser as a checkpoint holds it: what kind of network, how it is preconditioned, its weights. */
export type Checkpoint = EdmCheckpoint | GuidedCheckpoint | LatentCheckpoint;

interface Preconditioned {
  readonly preconditioning: Preconditioning;
  /** Range of σ to sample over. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** By the network's names in PyTorch; exactly those that the network reads, with their shapes. */
  readonly weights: Tensors;
}

/** Of the repository of EDM: SongUNet or DhariwalUNet. */
export interface EdmCheckpoint extends Preconditioned {
  readonly family: 'edm';
  readonly network: EdmNetworkOptions;
}

/** Of Consistency Models (`cm`) or of ADM (`adm`): the U-Net of Dhariwal & Nichol 2021. */
export interface GuidedCheckpoint extends Preconditioned {
  readonly family: 'cm' | 'adm';
  readonly network: GuidedUNetOptions;
  /** What can guide it to a class: only ADM has one. */
  readonly classifier?: { readonly network: GuidedUNetOptions; readonly weights: Tensors };
}

/** Of latent diffusion, Stable Diffusion among it: a denoiser of latents, and what leads from and to them. */
export interface LatentCheckpoint extends Preconditioned {
  readonly family: 'ldm';
  readonly network: LatentUNetOptions;
  /** What the first stage's latents are multiplied by for the denoiser. */
  readonly scaleFactor: number;
  readonly decoder: { readonly options: FirstStageOptions; readonly weights: Tensors };
  /** Makes conditions of prompts; an unconditional model has none. */
  readonly textEncoder?: { readonly options: ClipTextOptions; readonly weights: Tensors };
}
