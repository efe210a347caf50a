import { type FamilyName, type FileName, familyNamed, fileNames } from '@fewstep/models/families';
import type { DataKind } from '@fewstep/schedules';
import { onnxOf } from './onnx.js';
import type { FileRole, ModelFile } from './published-models.js';
import type { WrittenSpec } from './schema.js';

/** Keys of a dataset, as a spec has them. */
type Keys = Omit<Exclude<WrittenSpec['dataset'], string>, 'checkpoint'> & { readonly checkpoint: string };

/** What the name of a dataset stands for. */
export interface NamedDataset {
  readonly name: string;
  /** Paths are absolute. */
  readonly keys: Keys;
  /** What says so, for people: the registry, a package, a file beside a spec. */
  readonly from: string;
  /** Of its files together, where the registry doesn't say it of each. */
  readonly licence?: string;
  /** Of the registry: what is published of its files, the folder that they belong into, and what opens its checkpoint. */
  readonly published?: {
    readonly files: Readonly<Partial<Record<FileRole, ModelFile>>>;
    readonly folder: string;
    readonly family: FamilyName;
  };
}

/** A dataset with what its name stands for beneath what is written. */
export type Dataset = Keys & {
  /** Of the name that it was given, or that stands in the map. */
  readonly entry?: NamedDataset;
};

/** Keys of a dataset that have nothing to do with its network. */
const dataKeys = ['reference_data', 'feature_network', 'feature_resize', 'clip', 'clip_network'] as const;

/**
 * What a name stands for laid beneath what is written beside it, key by key. Beside another checkpoint that is what belongs to
 * the data alone, and the network has no name.
 */
export function laidOut(written: WrittenSpec['dataset'], entry?: NamedDataset): Dataset {
  if (typeof written === 'string' || written.checkpoint === undefined) {
    const own = typeof written === 'string' ? {} : written;
    return { ...entry?.keys, ...own, ...(entry && { entry, name: entry.name }) } as Dataset;
  }
  const { name: _, ...own } = {
    ...Object.fromEntries(dataKeys.map((key) => [key, entry?.keys[key]])),
    ...written,
  };
  return { ...own, ...(entry && { entry }) } as Dataset;
}

/** What is published of a file of a dataset, where that is the file of its name. */
export function publishedFile(dataset: Dataset, role: FileRole): ModelFile | undefined {
  const { entry } = dataset;
  const [own, its] = [dataset, entry?.keys].map(
    (keys) => (keys as Readonly<Record<string, unknown>>)?.[role],
  );
  return own === its ? entry?.published?.files[role] : undefined;
}

/** A value for each file that may belong to a checkpoint, by its key in a spec. */
export const byFile = <T>(find: (name: FileName) => T | undefined): { readonly [N in FileName]?: T } =>
  Object.fromEntries(
    fileNames.flatMap((name) => {
      const value = find(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** What the network of a dataset denoises, where a spec tells without a look at files. */
export function dataOf(dataset: Dataset): DataKind | undefined {
  if (publishedFile(dataset, 'checkpoint'))
    return familyNamed(dataset.entry!.published!.family)?.latents ? 'latents' : 'pixels';
  const onnx = onnxOf(dataset);
  return onnx && (onnx.decoder === undefined ? 'pixels' : 'latents');
}

/** Where a spec's names and paths are looked for; absolute paths. */
export interface Surroundings {
  /** The folder of the spec. */
  readonly specFolder: string;
  readonly cwd: string;
  /** The folder of models: $FEWSTEP_MODELS, else models/ in the workspace. */
  readonly models: string;
}
