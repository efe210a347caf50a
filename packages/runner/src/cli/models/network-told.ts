import type { ClipTold } from '@fewstep/models';
import type { CheckpointValues } from '@fewstep/models/families';
import { type Place, problem, SpecError } from '../../experiment/problem.js';
import { readYaml } from '../../experiment/read-yaml.js';
import { clipNetworkSchema, networkSchema } from '../../experiment/schema.js';
import { toJs } from '../../experiment/tree.js';
import { faultsIn } from '../../judging/faults.js';
import type { JsonSchema } from '../../judging/json-schema.js';

/**
 * What `--network MAP` tells of a file of weights: the map that a spec has as `dataset.network`, in YAML.
 *
 * @throws SpecError
 */
export const networkTold = (map: string | undefined): CheckpointValues =>
  mapTold(map, '--network', networkSchema, ['dataset', 'network']);

/**
 * What `--clip-network MAP` tells of a CLIP: the map that a spec has as `dataset.clip_network`, in YAML.
 *
 * @throws SpecError
 */
export const clipNetworkTold = (map: string | undefined): ClipTold =>
  mapTold(map, '--clip-network', clipNetworkSchema, ['dataset', 'clip_network']);

/** A map that a spec has at a path, as an option gives it. */
function mapTold<T extends object>(
  map: string | undefined,
  option: string,
  schema: JsonSchema,
  path: readonly string[],
): Partial<T> {
  if (map === undefined) return {};
  const place: Place = { file: `${option} ${map.replace(/\s+/g, ' ')}`, line: 0, column: 0, layer: 2 };
  const { tree, problems } = readYaml(map, () => place);
  const told = tree && toJs(tree);
  const faults = tree === undefined ? [] : faultsIn(told, schema, undefined, path);
  const all = [...problems, ...faults.map(({ path, sentence }) => problem(place, path.join('.'), sentence))];
  if (all.length > 0) throw new SpecError(all);
  return told as T;
}
