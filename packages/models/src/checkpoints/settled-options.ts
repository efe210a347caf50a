import { checkpointFault } from '../errors.js';
import { type Asked, allFrom, type Sources } from '../families/sources.js';
import type { BetaSchedule } from '../networks/noise-levels.js';
import type { LatentOptions } from './latent-options.js';
import type { LatentFacts, ShownParts } from './published-latent.js';

/** Every option that a model's weights don't show. */
export interface SettledOptions {
  readonly values: LatentOptions;
  /** Known apart from the file's own table. */
  readonly betas: BetaSchedule | undefined;
  readonly sources: Sources;
  /** Those that nothing tells, each with what it is in published models. */
  readonly asked: Asked;
}

/** What options are in published models. */
const candidates = {
  num_heads: [8],
  num_head_channels: [32, 64],
  image_size: [32, 64, 96],
  attention_order: ['heads-qkv-channels', 'qkv-heads-channels'],
  parametrization: ['eps', 'v', 'x0'],
  scale_factor: [0.18215, 1],
  num_attention_heads: [12, 16],
  hidden_act: ['quick_gelu', 'gelu'],
  linear_start: [0.00085, 0.0015],
  linear_end: [0.012, 0.0155, 0.0195],
} as const;
type Name = keyof typeof candidates;

const alwaysRead: readonly (keyof LatentOptions)[] = [
  'use_ema',
  'num_heads',
  'num_head_channels',
  'num_heads_upsample',
];

/**
 * Settles what weights don't show: what is told comes before what the file has, and that before what is known beside it.
 *
 * @param has what the file itself has, in full precision
 * @throws ModelError `E_CHECKPOINT` for what is told and nothing reads
 */
export function settledOptions(
  { network, textEncoder }: ShownParts,
  told: LatentOptions,
  facts: LatentFacts | undefined,
  has: { readonly scale_factor: boolean; readonly alphas_cumprod: boolean },
): SettledOptions {
  const ownHeads = told.num_heads !== undefined || told.num_head_channels !== undefined;
  const { num_heads, num_head_channels, ...others } = facts?.options ?? {};
  const known: LatentOptions = {
    ...others,
    ...(!ownHeads && num_heads !== undefined && { num_heads }),
    ...(!ownHeads && num_head_channels !== undefined && { num_head_channels }),
  };
  const values: LatentOptions = { ...known, ...told };
  const betas = betasOf(told, facts?.betas);
  const ends = (['linear_start', 'linear_end'] as const).filter((name) => told[name] !== undefined);
  if (ends.length === 1 && has.alphas_cumprod && !betas)
    throw checkpointFault(
      `of linear_start and linear_end ${ends} alone is told, to which its noise table can't be held: tell both, or neither`,
      { keys: ends },
    );
  const inFile: readonly string[] = [
    ...(has.scale_factor ? ['scale_factor'] : []),
    ...(has.alphas_cumprod ? ['linear_start', 'linear_end'] : []),
  ];
  const sourceOf = (name: Name): Sources[string] => {
    if (told[name] !== undefined) return 'spec';
    if (inFile.includes(name)) return 'file';
    if (values[name] !== undefined) return facts!.from;
    return name.startsWith('linear_') && betas ? facts!.from : 'asked';
  };
  const heads: Name[] = values.num_head_channels === undefined ? ['num_heads'] : ['num_head_channels'];
  const needed: Name[] = [
    ...heads,
    'image_size',
    ...(network.transformer ? [] : (['attention_order'] as const)),
    'parametrization',
    'scale_factor',
    ...(textEncoder ? (['num_attention_heads', 'hidden_act'] as const) : []),
    'linear_start',
    'linear_end',
  ];
  const unread = (Object.keys(told) as (keyof LatentOptions)[]).filter(
    (name) => told[name] !== undefined && !alwaysRead.includes(name) && !needed.includes(name as Name),
  );
  if (unread.length > 0)
    throw checkpointFault(
      `nothing reads ${unread.join(', ')}: ${textEncoder ? 'its network attends to prompts, in one order alone' : 'it has no text encoder'}`,
      { unread },
    );
  const sources = Object.fromEntries(needed.map((name) => [name, sourceOf(name)]));
  const missing = needed.filter((name) => sources[name] === 'asked');
  // heads have two names, of which one is told
  const asked = Object.fromEntries(
    missing
      .flatMap((name) => (name === 'num_heads' ? [name, 'num_head_channels' as const] : [name]))
      .map((name) => [name, candidates[name]]),
  );
  return { values, betas, sources: { ...sources, ...allFrom('asked', asked) }, asked };
}

function betasOf(
  { linear_start, linear_end }: LatentOptions,
  known: BetaSchedule | undefined,
): BetaSchedule | undefined {
  if (linear_start === undefined && linear_end === undefined) return known;
  const other = known?.type === 'scaled_linear' ? known : undefined;
  const [start, end] = [linear_start ?? other?.start, linear_end ?? other?.end];
  if (start === undefined || end === undefined) return undefined;
  return { type: 'scaled_linear', start, end, steps: other?.steps ?? 1000 };
}
