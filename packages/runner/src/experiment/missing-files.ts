import { accessSync, constants } from 'node:fs';
import { fileNames } from '@fewstep/models/families';
import { scoreNamed } from '../scores/scores.js';
import { datasetEntry } from './datasets.js';
import type { Experiment, NeededFile, Point } from './experiment.js';
import { onnxFilesOf, type WeightsBeside } from './onnx-files.js';
import { displayPath, type Problem, problem } from './problem.js';
import type { DatasetName } from './published-models.js';
import { type FileRole, sourceOf } from './published-models.js';
import type { Spec } from './schema.js';
import { nearestEntry, type Tree } from './tree.js';

/** The files that a point reads: its checkpoint, what guides it, and what its metrics compare with. */
export function neededFiles(
  { dataset, evaluate }: Omit<Point, 'label' | 'settings'>,
  beside: WeightsBeside,
  spec: Spec,
  tree: Tree,
  cwd: string,
): NeededFile[] {
  const features = evaluate.some((one) =>
    typeof one === 'string' ? scoreNamed(one)?.needs.startsWith('real images') : one.needs === 'features',
  );
  const registered = typeof spec.dataset === 'string' ? spec.dataset : undefined;
  const onnx = onnxFilesOf(dataset);
  const files: (readonly [key: string, path: string | undefined])[] = [
    ['checkpoint', dataset.checkpoint],
    ...onnx,
    ...fileNames.map((name) => [name, dataset[name]] as const),
    ['tokenizer', dataset.tokenizer],
    ['reference_data', features ? dataset.referenceData : undefined],
    ['feature_network', features ? dataset.featureNetwork : undefined],
  ];
  const needed = (key: string, path: string, sentence: (where: string) => string): NeededFile => {
    const at = registered ? ['dataset'] : ['dataset', ...key.split('.')];
    const { place } = nearestEntry(tree, at).value;
    return { path, ifMissing: problem(place, at.join('.'), sentence(displayPath(path, cwd))) };
  };
  const itself = (key: string) => (where: string) =>
    registered
      ? howToGet(registered, key as FileRole, where)
      : `there is no ${where} that could be read; the path is relative to the spec.`;
  const weights = (where: string) =>
    `its weights are in ${where}, which is not there: put it beside the ONNX file.`;
  return [
    ...files.flatMap(([key, path]) => (path === undefined ? [] : needed(key, path, itself(key)))),
    ...onnx.flatMap(([key, file]) => (beside.get(file) ?? []).map((path) => needed(key, path, weights))),
  ];
}

/** How a file of the registry is had that is not at `where`. */
export function howToGet(name: DatasetName, role: FileRole, where: string): string {
  const file = datasetEntry(name).files[role]!;
  const fetch = file.address === undefined ? '' : `, as fewstep models fetch ${name} does`;
  return (
    `${name} needs ${where}, which is not there: ${sourceOf(file)} and put it there${fetch}; ` +
    'FEWSTEP_MODELS names another folder of models.'
  );
}

/** Everything that the experiment reads and that is not there, as problems of the spec. */
export function missingFiles({ files }: Pick<Experiment, 'files'>): Problem[] {
  return files.filter(({ path }) => !isReadable(path)).map(({ ifMissing }) => ifMissing);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
