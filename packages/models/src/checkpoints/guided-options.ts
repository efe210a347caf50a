import { checkpointFault } from '../errors.js';
import type { HiddenOptions, PublishedNetwork } from '../families/published.js';
import type { GuidedUNetOptions } from '../networks/guided-unet.js';
import type { Shaped } from '../networks/parameters.js';

/** Options that the names and shapes of a network's weights don't show. */
export type UnseenOptions = Partial<
  Pick<GuidedUNetOptions, 'image_size' | 'num_head_channels' | 'num_heads' | 'num_heads_upsample'> &
    Pick<HiddenOptions, 'attention_order'>
>;

/** Those that they do show. */
export type ShownOptions = PublishedNetwork['shows'] & Pick<GuidedUNetOptions, 'pool'>;

const NORM_GROUPS = 32;
/** Height and width at the last level of the classifiers that their scripts make. */
const LAST_LEVEL = 8;

/** Unseen options that every network can have, whatever it is: no weight's shape depends on them. */
export const neutral = {
  image_size: 65_536,
  num_head_channels: -1,
  num_heads: 1,
  num_heads_upsample: -1,
  attention_order: 'heads-qkv-channels',
} as const;

/**
 * What the weights of a U-Net show of its options.
 *
 * @throws ModelError `E_CHECKPOINT` when they are of no such network.
 */
export function shownUNet(weights: Shaped): ShownOptions {
  const has = (name: string) => Object.hasOwn(weights, name);
  const blocks = countWhile((k) => has(`output_blocks.${k}.0.in_layers.0.weight`));
  const resamples = (k: number) =>
    [1, 2].some((part) =>
      ['in_layers.0', 'conv'].some((layer) => has(`output_blocks.${k}.${part}.${layer}.weight`)),
    );
  const firstUp = countWhile((k) => k < blocks && !resamples(k));
  // the decoder has one block more at each level than the encoder, and goes up after the last
  const numBlocks = firstUp === blocks ? blocks - 1 : firstUp;
  const levels = blocks / (numBlocks + 1);
  if (!(Number.isInteger(levels) && numBlocks >= 1))
    throw checkpointFault(
      `it has ${blocks} output_blocks, the first that enlarges after ${firstUp}: no U-Net of ADM's kind`,
    );
  return shownOptions(weights, { levels, numBlocks }, dimension(weights, 'out.2.weight', 0));
}

/**
 * The same of a classifier, whose levels show only beside the size of its images; one that pools by the mean alone is
 * taken to have its last level at 8×8, as the scripts that make them have it.
 *
 * @throws as `shownUNet`.
 */
export function shownClassifier(weights: Shaped, image_size: number): ShownOptions {
  const has = (name: string) => Object.hasOwn(weights, name);
  const spatial = has('out.1.weight') ? 'spatial_v2' : has('out.2.weight') ? 'spatial' : undefined;
  if (spatial)
    throw checkpointFault(`its pool is ${spatial}, which is not read; attention and adaptive are`, {
      pool: spatial,
    });
  const adaptive = has('out.3.weight');
  const positions = adaptive ? LAST_LEVEL ** 2 : dimension(weights, 'out.2.positional_embedding', 1) - 1;
  const blocks = countWhile(
    (k) =>
      has(`input_blocks.${k}.0.weight`) ||
      ['in_layers.0', 'op'].some((layer) => has(`input_blocks.${k}.0.${layer}.weight`)),
  );
  const levels = Math.log2(image_size / Math.sqrt(positions)) + 1;
  const numBlocks = (blocks - levels) / levels;
  if (!(Number.isInteger(levels) && levels >= 1 && Number.isInteger(numBlocks) && numBlocks >= 1))
    throw checkpointFault(
      `it has ${blocks} input_blocks and attends to ${positions} positions: no classifier of ${image_size}×${image_size} images`,
    );
  const classes = dimension(weights, adaptive ? 'out.3.weight' : 'out.2.c_proj.weight', 0);
  const shown = shownOptions(weights, { levels, numBlocks }, classes);
  return adaptive ? { ...shown, pool: 'adaptive' } : shown;
}

interface Structure {
  readonly levels: number;
  readonly numBlocks: number;
}

function shownOptions(weights: Shaped, { levels, numBlocks }: Structure, outChannels: number): ShownOptions {
  const has = (name: string) => Object.hasOwn(weights, name);
  const width = dimension(weights, 'time_embed.0.weight', 1);
  const first = Array.from({ length: levels }, (_, i) => `input_blocks.${1 + i * (numBlocks + 1)}`);
  const channels = first.map((block) => dimension(weights, `${block}.0.out_layers.0.weight`, 0));
  return {
    in_channels: dimension(weights, 'input_blocks.0.0.weight', 1),
    out_channels: outChannels,
    model_channels: width,
    channel_mult: channels.map((n) => n / width),
    num_res_blocks: numBlocks,
    attention_resolutions: first.flatMap((block, i) => (has(`${block}.1.norm.weight`) ? [2 ** i] : [])),
    num_classes: has('label_emb.weight') ? dimension(weights, 'label_emb.weight', 0) : 0,
    use_scale_shift_norm: dimension(weights, `${first[0]}.0.emb_layers.1.weight`, 0) === 2 * channels[0]!,
    resblock_updown: levels === 1 || has(`input_blocks.${numBlocks + 1}.0.in_layers.0.weight`),
  };
}

/** Channels of the layers that attend: those of some levels, and the middle. */
export const attendingChannels = ({
  model_channels,
  channel_mult,
  attention_resolutions,
}: Pick<ShownOptions, 'model_channels' | 'channel_mult' | 'attention_resolutions'>): readonly number[] => [
  ...new Set(
    channel_mult
      .filter((_, i) => attention_resolutions.includes(2 ** i) || i === channel_mult.length - 1)
      .map((multiple) => multiple * model_channels),
  ),
];

/**
 * All options of a network.
 *
 * @throws ModelError `E_CHECKPOINT` where sizes can't be divided as the network divides them, which shapes don't hold to.
 */
export function withUnseen(
  shown: ShownOptions,
  unseen: UnseenOptions & Required<Pick<UnseenOptions, 'image_size' | 'attention_order'>>,
): GuidedUNetOptions {
  const options = { num_head_channels: -1, num_heads: 1, num_heads_upsample: -1, ...shown, ...unseen };
  const {
    image_size: size,
    num_head_channels: perHead,
    num_heads: heads,
    num_heads_upsample: upper,
  } = options;
  const problems: string[] = [];
  const halvings = options.channel_mult.length - 1;
  if (!(Number.isInteger(size) && size > 0 && size % 2 ** halvings === 0))
    problems.push(`image_size ${size} can't be halved ${halvings} times`);
  if (options.model_channels % 2 !== 0) problems.push(`model_channels ${options.model_channels} is odd`);
  for (const n of new Set(options.channel_mult.map((multiple) => multiple * options.model_channels)))
    if (n % NORM_GROUPS !== 0) problems.push(`${n} channels are no ${NORM_GROUPS} equal groups`);
  for (const n of attendingChannels(options)) {
    const whole = (count: number) => isWhole(n, count);
    if (perHead !== -1 ? !whole(perHead) : !whole(heads) || !(upper === -1 || whole(upper)))
      problems.push(
        perHead !== -1
          ? `${n} channels are no heads of num_head_channels ${perHead}; give the network's own`
          : `${n} channels are no num_heads ${heads} (num_heads_upsample ${upper}) equal heads`,
      );
  }
  if (problems.length > 0)
    throw checkpointFault(`its options don't fit: ${problems.join('; ')}`, { problems });
  return options;
}

/** Whether so many channels are a number of heads. */
export const isWhole = (channels: number, count: number): boolean =>
  Number.isInteger(count) && count >= 1 && channels % count === 0;

function dimension(weights: Shaped, name: string, axis: number): number {
  const size = Object.hasOwn(weights, name) ? weights[name]!.shape[axis] : undefined;
  if (size === undefined || size < 1)
    throw checkpointFault(`it has no weight ${name} as ADM's networks have`, { missing: [name] });
  return size;
}

function countWhile(holds: (k: number) => boolean): number {
  let k = 0;
  while (holds(k)) k++;
  return k;
}
