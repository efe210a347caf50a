import type { CheckpointValues } from '@fewstep/models/families';
import { type Place, problem, SpecError } from '../experiment/problem.js';
import { readYaml } from '../experiment/read-yaml.js';
import { networkSchema } from '../experiment/schema.js';
import { toJs } from '../experiment/tree.js';
import { faultsIn } from '../judging/faults.js';

/**
 * What `--network MAP` tells of a file of weights: the map that a spec has as `dataset.network`, in YAML.
 *
 * @throws SpecError
 */
export function networkTold(map: string | undefined): CheckpointValues {
  if (map === undefined) return {};
  const place: Place = { file: `--network ${map.replace(/\s+/g, ' ')}`, line: 0, column: 0, layer: 2 };
  const { tree, problems } = readYaml(map, () => place);
  const told = tree && toJs(tree);
  const faults = tree === undefined ? [] : faultsIn(told, networkSchema, undefined, ['dataset', 'network']);
  const all = [...problems, ...faults.map(({ path, sentence }) => problem(place, path.join('.'), sentence))];
  if (all.length > 0) throw new SpecError(all);
  return told as CheckpointValues;
}
