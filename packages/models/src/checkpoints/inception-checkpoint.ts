import { isNvidiasInception } from '../families/feature-names.js';
import type { Tensor, Tensors } from '../files/tensor.js';
import { inception } from '../networks/inception.js';
import { checkParameters, recordShapes } from '../networks/parameters.js';
import { nvidiaName } from './inception-names.js';

/** FID's Inception-v3: parameters and running statistics by their names in torchvision. */
export interface InceptionCheckpoint {
  readonly type: 'inception';
  readonly weights: Tensors;
}

/**
 * What a file's tensors are, by torchvision's names or NVIDIA's, whose norms have no factor: it is 1 then.
 *
 * @throws ModelError `E_CHECKPOINT` with the lists `missing`, `unexpected` and `wrongShape`
 */
export function inceptionCheckpoint(tensors: Tensors): InceptionCheckpoint {
  const shapes = recordShapes((ops) => inception(ops, null));
  return {
    type: 'inception',
    weights: isNvidiasInception({ tensors }) ? ofNvidia(tensors, shapes) : own(tensors, shapes),
  };
}

type Shapes = ReturnType<typeof recordShapes>;

function own(tensors: Tensors, shapes: Shapes): Tensors {
  // how many batches a norm was trained on has no effect any more
  const counters = new Set(
    [...shapes.keys()].map((name) => name.replace(/running_mean$/, 'num_batches_tracked')),
  );
  const weights = Object.fromEntries(
    Object.entries(tensors).filter(([name]) => shapes.has(name) || !counters.has(name)),
  );
  checkParameters(weights, shapes);
  return weights;
}

function ofNvidia(tensors: Tensors, shapes: Shapes): Tensors {
  const stored = [...shapes].flatMap(([name, shape]): [string, readonly number[]][] => {
    const theirs = nvidiaName(name);
    return theirs === undefined ? [] : [[theirs, shape]];
  });
  checkParameters(tensors, new Map(stored));
  return Object.fromEntries(
    [...shapes].map(([name, shape]): [string, Tensor] => {
      const theirs = nvidiaName(name);
      if (theirs !== undefined) return [name, tensors[theirs]!];
      return [name, { dtype: 'F32', shape, data: new Float32Array(shape[0]!).fill(1) }];
    }),
  );
}
