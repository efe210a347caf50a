import { accessSync, constants } from 'node:fs';
import { fileNames } from '@fewstep/models/families';
import { scoreNamed } from '../scores/scores.js';
import { publishedFile, type Surroundings } from './datasets.js';
import type { Experiment, NeededFile, Point } from './experiment.js';
import { isNamed, networkTold } from './feature-loss.js';
import { onnxFilesOf, type WeightsBeside } from './onnx-files.js';
import { displayPath, problem } from './problem.js';
import { publishedPrompts } from './prompts-file.js';
import { type FileRole, featureNetworks, type ModelFile, sourceOf } from './published-models.js';
import type { Spec } from './schema.js';
import { entryAt, nearestEntry, type Tree } from './tree.js';

/** The files that a point reads: its checkpoint, what steers and guides it, and what its metrics compare with. */
export function neededFiles(
  { dataset, evaluate, predictor, table, fit }: Omit<Point, 'label' | 'settings'>,
  beside: WeightsBeside,
  spec: Spec,
  tree: Tree,
  surroundings: Surroundings,
): NeededFile[] {
  const features = evaluate.some((one) =>
    typeof one === 'string' ? scoreNamed(one)?.needs.startsWith('real images') : one.needs === 'features',
  );
  const learned = fit?.features?.network.file;
  const isClip = evaluate.some((one) => typeof one === 'string' && scoreNamed(one)?.needs === 'prompts');
  const { entry } = spec.dataset;
  const onnx = onnxFilesOf(dataset);
  const files: (readonly [key: string, path: string | undefined])[] = [
    ['checkpoint', dataset.checkpoint],
    ...onnx,
    ...fileNames.map((name) => [name, dataset[name]] as const),
    ['tokenizer', dataset.tokenizer],
    ['reference_data', features ? dataset.referenceData : undefined],
    ['feature_network', features || learned === dataset.featureNetwork ? dataset.featureNetwork : undefined],
    ['clip', isClip ? dataset.clip?.file : undefined],
    ['prompts', publishedPrompts(spec)],
  ];
  const needed = (key: string, path: string, sentence: (where: string) => string): NeededFile => {
    const at = key === 'prompts' ? ['guidance'] : ['dataset', ...key.split('.')];
    const { place } = nearestEntry(tree, at).value;
    const file = publishedFile(spec.dataset, key as FileRole);
    const published = file && { dataset: entry!.name, file };
    const where = at.length > 1 && !entryAt(tree, at) ? at.slice(0, 1) : at;
    const ifMissing = problem(place, where.join('.'), sentence(displayPath(path, surroundings.cwd)));
    return { role: key, path, ...(published && { published }), ifMissing };
  };
  const itself = (key: string) => (where: string) => {
    const file = publishedFile(spec.dataset, key as FileRole);
    const otherwise = key === 'prompts' ? ' Or add prompt, a text or a list of texts.' : '';
    if (file) return `${howToGet(entry!.name, file, where)}${otherwise}`;
    const isOwn = entryAt(tree, ['dataset', ...key.split('.')]) !== undefined;
    return entry && !isOwn
      ? `${entry.name} needs ${where}, which is not there, and ${entry.from} says that it is.`
      : `there is no ${where} that could be read; the path is relative to the spec.`;
  };
  const weights = (where: string) =>
    `its weights are in ${where}, which is not there: put it beside the ONNX file.`;
  return [
    ...Object.entries({ predictor, sampler: table?.file }).flatMap(([role, path]) =>
      path === undefined
        ? []
        : {
            role,
            path,
            ifMissing: problem(
              nearestEntry(tree, [role]).value.place,
              role,
              `there is no ${displayPath(path, surroundings.cwd)}; the path is relative to the spec.`,
            ),
          },
    ),
    ...(learned === undefined || learned === dataset.featureNetwork
      ? []
      : [lossNetwork(learned, spec, tree, surroundings)]),
    ...files.flatMap(([key, path]) => (path === undefined ? [] : needed(key, path, itself(key)))),
    ...onnx.flatMap(([key, file]) => (beside.get(file) ?? []).map((path) => needed(key, path, weights))),
  ];
}

/** The network of a loss on features that is none of the dataset's. */
function lossNetwork(path: string, spec: Spec, tree: Tree, { cwd }: Surroundings): NeededFile {
  const told = networkTold(spec) ?? '';
  const where = displayPath(path, cwd);
  const sentence = isNamed(told)
    ? `${told} is ${where}, which is not there: fewstep models fetch ${told} gets it, or ${sourceOf(featureNetworks[told])} and put it there.`
    : `there is no ${where} that could be read; the path is relative to the spec, or one of ${Object.keys(featureNetworks).join(', ')}.`;
  const at = ['train', 'feature_network'];
  const ifMissing = problem(nearestEntry(tree, at).value.place, at.join('.'), sentence);
  return { role: at.join('.'), path, ifMissing };
}

/** How a file of the registry is had that is not at `where`. */
function howToGet(name: string, file: ModelFile, where: string): string {
  const fetch =
    file.address === undefined ? '' : `, as fewstep models fetch ${name} and fewstep run --fetch do`;
  return (
    `${name} needs ${where}, which is not there: ${sourceOf(file)} and put it there${fetch}; ` +
    'FEWSTEP_MODELS names another folder of models.'
  );
}

/** What the experiment reads and that is not there. */
export const missingFiles = ({ files }: Pick<Experiment, 'files'>): NeededFile[] =>
  files.filter(({ path }) => !isReadable(path));

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
