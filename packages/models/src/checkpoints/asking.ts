import { checkpointFault, type ModelError } from '../errors.js';
import type { Family, Look } from '../families/family.js';
import type { FamilyOptions, Told } from '../families/options.js';
import type { Asked, Sources } from '../families/sources.js';

/** A network that a file may hold, as far as it is known. */
export interface AskedNetwork {
  readonly family: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly sources: Sources;
  readonly asked: Asked;
  /** Names of published files that show the same. */
  readonly like: readonly string[];
}

/** What each family that a file may be of would ask for. @throws ModelError as a family's `inspect` */
export async function askedOf(
  families: readonly Family[],
  look: Look,
  told: Told<FamilyOptions>,
): Promise<AskedNetwork[]> {
  const networks: AskedNetwork[] = [];
  for (const { name, options, inspect } of families) {
    const known = Object.entries(told).filter(([option]) => Object.hasOwn(options, option));
    const { network, sources = {}, asked = {}, like = [] } = await inspect(look, Object.fromEntries(known));
    networks.push({ family: name, options: { ...network }, sources, asked, like });
  }
  return networks;
}

/**
 * The error that asks for what a file can't say: all of it at once, with what it could be, as a line for a spec.
 *
 * @param networks those that the file may hold, of which one is to be told
 * @param rough what the file has of it and can't be taken, for it is of half precision
 */
export function asking(networks: readonly AskedNetwork[], rough: readonly string[] = []): ModelError {
  const families = networks.map(({ family }) => family);
  // heads have two names, of which one is told
  const names = [...new Set(networks.flatMap(({ asked }) => Object.keys(asked)))].filter(
    (name) => !name.endsWith('num_head_channels'),
  );
  const like = [...new Set(networks.flatMap((one) => one.like))];
  const open = [...(families.length > 1 ? ['family'] : []), ...names];
  return checkpointFault(
    `its weights don't show ${listed(open)}${rough.length > 0 ? `, its ${listed(rough)} being of half precision and too rough to be taken` : ''}: tell how it was trained, in a spec as dataset.network: ${networks
      .map(lineOf)
      .join(' or ')}${like.length === 0 ? '' : `; ${listed(like)} would be known by that name`}`,
    {
      families,
      asked: Object.assign({}, ...networks.map(({ asked }) => asked)),
      like,
    },
  );
}

/** `{ family: adm, image_size: 64, noise_schedule: linear | cosine }`: what is told, and what could be. */
function lineOf({ family, options, sources, asked }: AskedNetwork): string {
  const told = Object.entries(options).filter(
    ([name]) => sources[name] === 'spec' || sources[name] === 'registry',
  );
  const heads = (name: string) => asked[name.replace('num_head_channels', 'num_heads')];
  const words = Object.entries(asked).flatMap(([name, values]) => {
    const here = `${name}: ${values.join(' | ')}`;
    if (name.endsWith('num_heads')) return [];
    if (!name.endsWith('num_head_channels')) return [here];
    // one of two names, of which the other stands beside
    const other = `${name.replace('num_head_channels', 'num_heads')}: ${heads(name)!.join(' | ')}`;
    return [values.length === 0 ? other : `${here} (or ${other})`];
  });
  // a classifier's are told beside the network that it guides
  return `{ ${[`family: ${family.replace('-classifier', '')}`, ...told.map(([name, value]) => `${name}: ${value}`), ...words].join(', ')} }`;
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
