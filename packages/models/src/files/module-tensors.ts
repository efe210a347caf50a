import { checkpointFault } from '../errors.js';
import { PythonInstance } from './constructors.js';
import { describe, type PickleValue } from './pickle.js';
import type { Tensors } from './tensor.js';
import { TensorView } from './torch-storage.js';

const misfit = (message: string) => checkpointFault(message);

const entries = (module: PythonInstance, attribute: string): ReadonlyMap<PickleValue, PickleValue> => {
  const value = module.state.get(attribute);
  if (!(value instanceof Map))
    throw misfit(`a ${module.className} is no module: it has no dict ${attribute}`);
  return value;
};

/** The modules that one holds, by name. @throws ModelError `E_CHECKPOINT` */
export const modulesOf = (module: PythonInstance) => entries(module, '_modules');

/**
 * Parameters and lasting buffers of a module of PyTorch and of all within, named by their path.
 *
 * @throws ModelError `E_CHECKPOINT` where it is no module, or holds one twice.
 */
export function moduleViews(root: PythonInstance): Map<string, TensorView> {
  const views = new Map<string, TensorView>();
  const seen = new Set<PythonInstance>();
  const waiting: [string, PythonInstance][] = [['', root]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [prefix, module] = next;
    // in these networks no module is at two places; in a hostile file, one could be at 2^100
    if (seen.has(module))
      throw misfit(`the module ${prefix.slice(0, -1)} is also somewhere else in the network`);
    seen.add(module);
    const passing = module.state.get('_non_persistent_buffers_set');
    for (const attribute of ['_parameters', '_buffers'])
      for (const [name, tensor] of entries(module, attribute)) {
        if (tensor === null || (passing instanceof Set && passing.has(name))) continue;
        if (!(tensor instanceof TensorView))
          throw misfit(`the weight ${prefix}${name} is ${describe(tensor)}`);
        views.set(`${prefix}${name}`, tensor);
      }
    for (const [name, child] of modulesOf(module)) {
      if (child === null) continue;
      if (!(child instanceof PythonInstance))
        throw misfit(`the module ${prefix}${name} is ${describe(child)}`);
      waiting.push([`${prefix}${name}.`, child]);
    }
  }
  return views;
}

/** The same with their elements. @throws as `moduleViews` */
export const moduleWeights = (root: PythonInstance): Tensors =>
  Object.fromEntries([...moduleViews(root)].map(([name, view]) => [name, view.tensor()]));
