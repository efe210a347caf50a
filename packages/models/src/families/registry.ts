import { edm } from './edm.js';
import type { Family, Look } from './family.js';
import { adm, cm } from './guided.js';
import { ldm, stableDiffusion } from './latent.js';
import { choice, type Told } from './options.js';
import { classifierOptions } from './unseen.js';

const declared = [edm, cm, adm, ldm, stableDiffusion] as const;
type Declared = (typeof declared)[number];

/** Every kind of checkpoint that is read, by its declaration. */
export const families: readonly Family[] = declared;
export type FamilyName = Declared['name'];

/** The families that a file or folder may be of: none, one, or more where it doesn't tell. */
export const familiesOf = (look: Look): readonly Family[] => families.filter(({ isOf }) => isOf(look));

export const familyNamed = (name: string | undefined): Family | undefined =>
  families.find((one) => one.name === name);

type AllOf<O> = (O extends unknown ? (one: O) => void : never) extends (all: infer A) => void ? A : never;
type AllOptions = AllOf<Declared['options']>;

/** Names of options that are files beside the checkpoint. */
export type FileName = {
  [N in keyof AllOptions]: AllOptions[N] extends { readonly type: 'string' } ? N : never;
}[keyof AllOptions];

const options = families.flatMap((one) => Object.entries(one.options));
const those = (areFiles: boolean) =>
  Object.fromEntries(
    options.filter(([, option]) => ('type' in option && option.type === 'string') === areFiles),
  );

/** What some family may be told, once: of one name there is one declaration. */
export const familyValues = {
  family: choice(
    declared.map(({ name }) => name),
    'What the checkpoint is, where its file may be several: a U-Net without a variance is one of cm, trained as EDM is, or one of adm.',
  ),
  ...(those(false) as Omit<AllOptions, FileName>),
};
/** Files that belong to a checkpoint of some family. */
export const familyFiles = those(true) as Pick<AllOptions, FileName>;

/** Names of files that may belong to a checkpoint. */
export const fileNames = Object.keys(familyFiles) as readonly FileName[];

/** Names of options of a classifier's network. */
export const classifierNames: readonly string[] = Object.keys(classifierOptions);

/** What a checkpoint's file doesn't show. */
export type CheckpointValues = Told<typeof familyValues>;
/** Files that belong to it. */
export type CheckpointFiles = Told<typeof familyFiles>;
/** What a checkpoint of any family may be told, under its names in a spec. */
export type CheckpointOptions = CheckpointValues & CheckpointFiles;

export type { GuidanceName } from '../checkpoints/checkpoint.js';
export type { Family } from './family.js';
export { withPublished } from './published.js';
