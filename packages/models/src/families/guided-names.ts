import { hasTensors, type Look } from './family.js';

type Names = Pick<Look, 'tensors'>;

/** A tensor that every network of the kind has. */
export const FIRST_OF_KIND = 'input_blocks.0.0.weight';

const hasUNet = hasTensors(FIRST_OF_KIND, 'out.2.weight', 'time_embed.0.weight');

/** Channels that a U-Net takes and makes. */
const channelsOf = ({ tensors }: Names) => ({
  taken: tensors[FIRST_OF_KIND]!.shape[1]!,
  made: tensors['out.2.weight']!.shape[0]!,
});

/** A network that is told another image beside the noisy one: it takes more channels than it makes, or those of two. */
export const isUpsampler = (look: Names): boolean => {
  if (!hasUNet(look)) return false;
  const { taken, made } = channelsOf(look);
  return made < taken || (made === taken && (taken === 2 || taken === 6));
};

/** A U-Net of ADM's kind that denoises images by themselves. */
export const isUNet = (look: Names): boolean => hasUNet(look) && !isUpsampler(look);

/** Of such a one: whether it gives a variance beside the mean. */
export const learnsVariance = (look: Names): boolean => {
  const { taken, made } = channelsOf(look);
  return made !== taken;
};

/** The classifier that guides such a one. */
export const isClassifier = hasTensors(FIRST_OF_KIND, 'out.2.positional_embedding');

/** Any network of the kind. */
export const isOfKind = (look: Names): boolean => hasUNet(look) || isClassifier(look);
