import type { Tensors } from '../files/tensor.js';
import type { ClipTextOptions } from '../networks/clip-text-encoder.js';
import type { FirstStageOptions } from '../networks/first-stage-decoder.js';
import type { ClassifierGradient } from '../networks/guided-classifier.js';
import type { GuidedUNetOptions } from '../networks/guided-unet.js';
import type { LatentUNetOptions } from '../networks/latent-unet.js';
import type { Network } from '../networks/network.js';
import type { Preconditioning } from '../networks/preconditioning.js';
import type { EdmNetworkOptions } from './edm-options.js';

/** What leads samples to what they shall show: a classifier’s gradient, a prompt, or nothing. */
export type GuidanceName = 'cg' | 'cfg' | 'uncond';

/** A network, and what is denoised by it: [channels, resolution, resolution]. */
export interface CheckpointNetwork<Options extends object = object> {
  /** By their names in the file; plain JSON. */
  readonly network: Options;
  /** The network that these options make. */
  readonly forward: Network;
  readonly channels: number;
  readonly resolution: number;
  /** Classes that it is told; 0: none. */
  readonly classes: number;
}

/** A denoiser as a checkpoint holds it, of any family: its network, how it is preconditioned, its weights. */
export interface Checkpoint<Options extends object = object> extends CheckpointNetwork<Options> {
  /** Name of its family. */
  readonly family: string;
  readonly preconditioning: Preconditioning;
  /** Range of σ to sample over. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** By the network's names in PyTorch; exactly those that the network reads, with their shapes. */
  readonly weights: Tensors;
  /** D is clamped to −1…1. */
  readonly clamped?: boolean;
  /** What leads its samples; left out: nothing can. */
  readonly guidance?: GuidanceName;
  /** What can guide it to a class. */
  readonly classifier?: Classifier;
  /** Of a denoiser of latents: what makes pictures of them. */
  readonly decoder?: { readonly options: FirstStageOptions; readonly weights: Tensors };
  /** What the first stage's latents are multiplied by for the denoiser; 1 by default. */
  readonly scaleFactor?: number;
  /** Makes conditions of prompts. */
  readonly textEncoder?: { readonly options: ClipTextOptions; readonly weights: Tensors };
}

interface Classifier {
  readonly network: GuidedUNetOptions;
  /** That it tells apart. */
  readonly classes: number;
  readonly gradient: ClassifierGradient;
  readonly weights: Tensors;
}

/** Of the repository of EDM: SongUNet or DhariwalUNet. */
export type EdmCheckpoint = Checkpoint<EdmNetworkOptions>;

/** Of Consistency Models or of ADM: the U-Net of Dhariwal & Nichol 2021. Only ADM has a classifier. */
export type GuidedCheckpoint = Checkpoint<GuidedUNetOptions>;

/** Of latent diffusion, Stable Diffusion among it: a denoiser of latents, and what leads from and to them. */
export interface LatentCheckpoint extends Checkpoint<LatentUNetOptions> {
  readonly decoder: NonNullable<Checkpoint['decoder']>;
  readonly scaleFactor: number;
}
