import { readStateDict } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';
import { inception } from '../networks/inception.js';
import { checkParameters, recordShapes } from '../networks/parameters.js';

/** FID's Inception-v3: parameters and running statistics by their names in torchvision. */
export interface InceptionCheckpoint {
  readonly weights: Tensors;
}

/**
 * Reads FID's Inception-v3 from a state dict, as pytorch-fid and torch-fidelity publish it
 * (`pt_inception-2015-12-05-6726825d.pth`).
 *
 * @throws ModelError as `openStateDict`, and `E_CHECKPOINT` with the lists `missing`, `unexpected` and `wrongShape`.
 */
export async function readInceptionCheckpoint(path: string): Promise<InceptionCheckpoint> {
  return inceptionCheckpoint(await readStateDict(path));
}

/** The same from weights in memory. @throws ModelError `E_CHECKPOINT` */
export function inceptionCheckpoint(tensors: Tensors): InceptionCheckpoint {
  const shapes = recordShapes((ops) => inception(ops, null));
  // how many batches a norm was trained on has no effect any more
  const counters = new Set(
    [...shapes.keys()].map((name) => name.replace(/running_mean$/, 'num_batches_tracked')),
  );
  const weights = Object.fromEntries(
    Object.entries(tensors).filter(([name]) => shapes.has(name) || !counters.has(name)),
  );
  checkParameters(weights, shapes);
  return { weights };
}
