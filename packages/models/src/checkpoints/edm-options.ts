import { checkpointFault } from '../errors.js';
import { describe, type PickleValue } from '../files/pickle.js';
import type { DhariwalUNetOptions, SongUNetOptions } from '../networks/edm-unet.js';
import { integer, type Rule, settle } from './settings.js';

/** A network of EDM's repository by class name, with every option settled. */
export type EdmNetworkOptions = SongUNetOptions | DhariwalUNetOptions;

/** What a class of networks is made with. */
type Rules<O> = { readonly [K in Exclude<keyof O, 'type'>]: Rule<O[K]> };

const counts = (
  low: number,
  high: number,
  standard: readonly number[],
  least = 0,
): Rule<readonly number[]> => ({
  parse: (value) =>
    Array.isArray(value) &&
    value.length >= least &&
    value.length <= 16 &&
    value.every((n) => integer(low, high).parse(n) !== undefined)
      ? (value as readonly number[])
      : undefined,
  words: `a list of integers from ${low} to ${high}`,
  default: standard,
});
/** Only their number is used here: the filter itself lies in the file, with its sum divided out. */
const taps = (standard: readonly number[]): Rule<readonly number[]> => ({
  parse: (value) =>
    Array.isArray(value) && value.length >= 1 && value.length <= 64 && value.every(Number.isFinite)
      ? (value as readonly number[])
      : undefined,
  words: 'a list of 1 to 64 finite numbers',
  default: standard,
});
const word = <const W extends string>(...words: readonly [W, ...W[]]): Rule<W> => ({
  parse: (value) => words.find((one) => one === value),
  words: `one of ${words.join(', ')}`,
  default: words[0],
});

const shared = {
  img_resolution: integer(1, 4096),
  in_channels: integer(1, 1024),
  out_channels: integer(1, 1024),
  label_dim: integer(0, 1e6, 0),
  augment_dim: integer(0, 1024, 0),
  channel_mult_emb: integer(1, 64, 4),
};

// Defaults are those of the classes at NVlabs/edm, which leave them out of the file.
const song: Rules<SongUNetOptions> = {
  ...shared,
  model_channels: integer(2, 8192, 128),
  channel_mult: counts(1, 64, [1, 2, 2, 2], 1),
  num_blocks: integer(1, 64, 4),
  attn_resolutions: counts(1, 4096, [16]),
  embedding_type: word('positional', 'fourier'),
  channel_mult_noise: integer(1, 64, 1),
  encoder_type: word('standard', 'skip', 'residual'),
  decoder_type: word('standard', 'skip'),
  resample_filter: taps([1, 1]),
};
const dhariwal: Rules<DhariwalUNetOptions> = {
  ...shared,
  model_channels: integer(2, 8192, 192),
  channel_mult: counts(1, 64, [1, 2, 3, 4], 1),
  num_blocks: integer(1, 64, 3),
  attn_resolutions: counts(1, 4096, [32, 16, 8]),
};

// The bounds lie far beyond any network there is; they keep a damaged file from describing one without end.
const rules = { SongUNet: song, DhariwalUNet: dhariwal } satisfies Record<EdmNetworkOptions['type'], unknown>;

/** They matter in training alone. */
const trainingOnly = new Set(['dropout', 'label_dropout']);

/**
 * Settles the options that a checkpoint gives its network.
 *
 * @throws ModelError `E_CHECKPOINT` that lists every unknown, wrong and missing option.
 */
export function parseEdmOptions(
  type: string,
  given: ReadonlyMap<PickleValue, PickleValue>,
): EdmNetworkOptions {
  if (!Object.hasOwn(rules, type))
    throw checkpointFault(`the network is a ${type}; ${Object.keys(rules).join(' and ')} are known`, {
      network: type,
    });
  const known: Readonly<Record<string, Rule<unknown>>> = rules[type as EdmNetworkOptions['type']];
  const strange = [...given.keys()].filter(
    (name) => typeof name !== 'string' || !(Object.hasOwn(known, name) || trainingOnly.has(name)),
  );
  const { settled: options, problems: misfits } = settle(known, given);
  const problems = [...strange.map((name) => `${describe(name)} is no option of it`), ...misfits];
  const levels = Array.isArray(options.channel_mult) ? options.channel_mult.length : 1;
  if (typeof options.img_resolution === 'number' && options.img_resolution % 2 ** (levels - 1) !== 0)
    problems.push(`img_resolution ${options.img_resolution} can't be halved ${levels - 1} times`);
  if (problems.length > 0)
    throw checkpointFault(`the options of its ${type} are not understood: ${problems.join('; ')}`, {
      network: type,
      problems,
    });
  return { type, ...options } as EdmNetworkOptions;
}
