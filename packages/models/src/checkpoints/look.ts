import { checkpointFault, type ModelError, withPath } from '../errors.js';
import type { Look } from '../families/family.js';
import { FIRST_OF_KIND, isOfKind } from '../families/guided-names.js';
import { FIRST_OF_MODEL, FIRST_OF_STAGE, isOfLatents } from '../families/latent-kin.js';
import { openTensorsAt } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';
import { isAveraged, wrappersIn } from '../files/wrappers.js';

/** A file of tensors as it is. */
interface Whole extends Look {
  /** In words. */
  readonly format: string;
}

/** What a file of tensors shows. @throws ModelError as `openStateDict` */
export async function lookAtWhole(path: string): Promise<Whole> {
  const { file, close } = await openTensorsAt(path);
  close();
  const { format, tensors, pickled } = file;
  const hollow = Object.fromEntries([...tensors].map(([name, info]) => [name, { ...info, data: [] }]));
  return { path, isFolder: false, format, tensors: hollow as unknown as Tensors, pickled };
}

/**
 * What a file of tensors shows; where it holds a network in a dict of its own, as a training's file does, of that.
 *
 * @param use_ema of averaged weights and others in one file, which are taken: the averaged ones by default
 * @throws ModelError as `openStateDict`, and `E_CHECKPOINT` where several dicts could be meant
 */
export async function lookAt(path: string, use_ema?: boolean): Promise<Look> {
  const whole = await lookAtWhole(path);
  return withPath(path, () => unwrapped(whole, use_ema));
}

const firsts = [FIRST_OF_KIND, FIRST_OF_MODEL, FIRST_OF_STAGE];
const isKnown = (look: Pick<Look, 'tensors'>): boolean => isOfKind(look) || isOfLatents(look);

/** More sets of weights than any training keeps in one file. */
const MAX_NETWORKS = 16;

/**
 * The network in a file of more than that; the file where its names are known as they are, or not at all.
 *
 * @throws ModelError `E_CHECKPOINT` where several dicts could be meant
 */
export function unwrapped<L extends Pick<Look, 'tensors'>>(
  file: L,
  use_ema?: boolean,
): L & Pick<Look, 'prefix' | 'averaged'> {
  const { tensors: whole } = file;
  if (isKnown(file)) return file;
  const wrappers = [...wrappersIn(Object.keys(whole))];
  const starts = wrappers.filter((prefix) => firsts.some((name) => Object.hasOwn(whole, `${prefix}${name}`)));
  if (starts.length > MAX_NETWORKS)
    throw checkpointFault(`it holds ${starts.length} networks: save the one that is meant by itself`);
  const holding = starts.map((prefix) => ({ prefix, tensors: under(whole, prefix) })).filter(isKnown);
  if (holding.length === 0) return file;
  const averaged = holding.filter(({ prefix }) => isAveraged(prefix));
  const others = holding.filter(({ prefix }) => !isAveraged(prefix));
  // averaged weights under names that no network has, as of a list or without dots
  const inside = holding.filter(isOfLatents).map(({ prefix }) => prefix);
  const isInside = (wrapper: string) => inside.some((prefix) => wrapper.startsWith(prefix));
  const strange =
    averaged.length > 0 ? [] : wrappers.filter((wrapper) => isAveraged(wrapper) && !isInside(wrapper));
  const hasAveraged = averaged.length > 0 || strange.length > 0;
  // where the model has both within, the choice is made there
  const takes = inside.length > 0 && !hasAveraged ? false : (use_ema ?? hasAveraged);
  const [one, ...more] = takes ? averaged : others;
  const shown = (ones: readonly { readonly prefix: string }[]) =>
    ones
      .slice(0, MAX_NETWORKS)
      .map(({ prefix }) => `${prefix}*`)
      .join(', ');
  if (!one) {
    const evidence = { wrappers, ...(use_ema !== undefined && { use_ema }) };
    if (!takes)
      throw checkpointFault(`it has averaged weights alone, ${shown(averaged)}: leave use_ema out`, evidence);
    if (strange.length === 0)
      throw checkpointFault(
        `it has no averaged weights beside ${shown(others)}: leave use_ema out`,
        evidence,
      );
    throw checkpointFault(
      `its averaged weights, ${shown(strange.map((prefix) => ({ prefix })))}, have the names of no network that is known; use_ema: false takes ${shown(others)}`,
      evidence,
    );
  }
  if (more.length > 0)
    throw checkpointFault(
      `it holds ${1 + more.length} networks, as ${shown([one, ...more])}: save the one that is meant by itself`,
      { wrappers },
    );
  return {
    ...file,
    ...one,
    // one set, of which nothing says that there are others
    ...(hasAveraged && { averaged: takes }),
  };
}

/** The error of asking for averaged weights where there is one set, of which nothing says that it is. */
export const oneSet = (): ModelError =>
  checkpointFault('it has one set of weights, averaged or not: leave use_ema out', { use_ema: true });

/** The tensors whose names start so, by the rest of their names. */
const under = (tensors: Tensors, prefix: string): Tensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
