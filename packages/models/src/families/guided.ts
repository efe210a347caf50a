import { family } from './family.js';
import { isUNet, learnsVariance } from './guided-names.js';
import { file } from './options.js';
import { classifierOptions, diffusionOptions, guidedOptions } from './unseen.js';

const reader = () => import('../checkpoints/guided-checkpoint.js');

/** Of Consistency Models: ADM's network, without a variance, trained as EDM is. Song et al. 2023, arXiv:2303.01469. */
export const cm = family({
  name: 'cm',
  what: 'Consistency Models’',
  files: 'Consistency Models',
  isOf: (look) => isUNet(look) && !learnsVariance(look),
  inspectsAsRead: true,
  options: guidedOptions,
  read: async (look, told) => (await reader()).readGuided('cm', look, told),
  inspect: async (look, told) => (await reader()).inspectGuided('cm', look, told),
});

/**
 * Of guided diffusion, with a classifier in a file of its own, and of improved diffusion. Dhariwal & Nichol 2021,
 * arXiv:2105.05233; Nichol & Dhariwal 2021, arXiv:2102.09672. A variance is learned or not.
 */
export const adm = family({
  name: 'adm',
  what: 'ADM’s',
  files: 'ADM (.pt)',
  isOf: isUNet,
  inspectsAsRead: true,
  options: {
    ...guidedOptions,
    ...diffusionOptions,
    ...classifierOptions,
    classifier: file(
      '256x256_classifier.pt',
      'The file of the classifier that guides an ADM checkpoint, relative to the spec; for guidance cg.',
    ),
  },
  guidance: 'cg',
  read: async (look, told) => (await reader()).readGuided('adm', look, told),
  inspect: async (look, told) => (await reader()).inspectGuided('adm', look, told),
});
