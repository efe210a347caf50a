import type { Checkpoint, GuidanceName } from '../checkpoints/checkpoint.js';
import type { PickleValue } from '../files/pickle.js';
import type { Tensors } from '../files/tensor.js';
import type { FamilyOptions, Told } from './options.js';
import type { Asked, Sources } from './sources.js';

/** What a file or a folder shows of itself before its weights are read. */
export interface Look {
  readonly path: string;
  readonly isFolder: boolean;
  /** Names, types and shapes alone, without elements; none of a folder, nor where a pickle holds an object. */
  readonly tensors: Tensors;
  /** What stands before those names in the file, where it holds the network in a dict of its own: `model.`. */
  readonly prefix?: string;
  /** Of such a file: whether its weights are averaged ones beside which there are, or could be, others. */
  readonly averaged?: boolean;
  /** That object. Its weights are in memory, and not to be read twice. */
  readonly pickled?: PickleValue | undefined;
}

/** What is told of a network without reading its weights. */
export interface Inspected {
  readonly network: object;
  readonly weights?: Tensors;
  /** Left out where the family doesn't say. */
  readonly sources?: Sources;
  /** Options that nothing tells, without which it is not read. */
  readonly asked?: Asked;
  /** Names of published files that show the same. */
  readonly like?: readonly string[];
}

/** What files are told by. */
export interface Known {
  readonly name: string;
  /** Whether a file is one of these, by what only they have. */
  isOf(look: Look): boolean;
  /** Its inspection takes what it is told as its reader does: what keeps it from the one keeps it from the other. */
  readonly inspectsAsRead?: boolean;
  /**
   * The options of its network as far as they are known, where each is from, and the weights of a pickled object.
   *
   * @param told options, and files beside
   * @throws ModelError `E_CHECKPOINT` that says why it is none, or what doesn't fit
   */
  inspect?(look: Look, told: Readonly<Record<string, unknown>>): Promise<Inspected>;
}

/** A kind of checkpoint, said once: how it is known, what it may be told, how it is read, and what leads its samples. */
export interface Family<N extends string = string, O extends FamilyOptions = FamilyOptions> extends Known {
  readonly name: N;
  /** Whose they are, for messages: “EDM’s”. */
  readonly what: string;
  /** Whose files, for people: “EDM (.pkl)”. */
  readonly files: string;
  /** What its files don't show, under the names of a model's configuration. */
  readonly options: O;
  /** Whether it denoises latents, which a decoder of its own makes pictures of. */
  readonly latents?: boolean;
  /** Left out: its samples can be led by nothing. */
  readonly guidance?: GuidanceName;
  inspect(look: Look, told: Told<O>): Promise<Inspected>;
  /** @throws ModelError `E_CHECKPOINT`, with `path` in `evidence`, for weights or options that don't fit */
  read(look: Look, told: Told<O>): Promise<Checkpoint>;
}

/** Declares a family; its types are those of its options. */
export const family = <const N extends string, const O extends FamilyOptions>(
  declared: Family<N, O>,
): Family<N, O> => declared;

/** Whether a pickle holds an object, and no dict of tensors. */
export const holdsObject = ({ isFolder, tensors }: Look): boolean =>
  !isFolder && Object.keys(tensors).length === 0;

/** Whether there are tensors of all these names. */
export const hasTensors =
  (...names: readonly string[]) =>
  ({ tensors }: { readonly tensors: object }): boolean =>
    names.every((name) => Object.hasOwn(tensors, name));
