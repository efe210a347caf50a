import { ModelError, withPath } from '../errors.js';
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
 * (`pt_inception-2015-12-05-6726825d.pth`). The programs that EDM and StyleGAN publish of the same network
 * (`inception-v3-2015-12-05.pkl`, `inception-2015-12-05.pt`) hold code besides, and are refused.
 *
 * @throws ModelError as `openStateDict`, and `E_CHECKPOINT` with the lists `missing`, `unexpected` and `wrongShape`; all of
 * them say which file to take.
 */
export async function readInceptionCheckpoint(path: string): Promise<InceptionCheckpoint> {
  try {
    const tensors = await readStateDict(path);
    return withPath(path, () => inceptionCheckpoint(tensors));
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError(cause.code, `${cause.message}. ${EXPECTED}`, cause.evidence, { cause });
  }
}

const EXPECTED =
  "FID's Inception-v3 is read from its state dict, pt_inception-2015-12-05-6726825d.pth as pytorch-fid publishes it: the same network as in EDM's inception-v3-2015-12-05.pkl and StyleGAN's inception-2015-12-05.pt, which are programs; any other feature network is an ONNX file";

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
