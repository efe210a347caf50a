import { family, hasTensors, type Look } from './family.js';
import { file } from './options.js';
import { unseen } from './unseen.js';

const reader = () => import('../checkpoints/guided-checkpoint.js');

const isUNet = hasTensors('input_blocks.0.0.weight', 'out.2.weight', 'time_embed.0.weight');

/** Whether the network gives a variance beside the mean. */
const learnsVariance = ({ tensors }: Look) =>
  tensors['out.2.weight']!.shape[0] !== tensors['input_blocks.0.0.weight']!.shape[1];

/** Of Consistency Models: ADM's network, without a variance. Song et al. 2023, arXiv:2303.01469. */
export const cm = family({
  name: 'cm',
  what: 'Consistency Models’',
  files: 'Consistency Models',
  isOf: (look) => isUNet(look) && !learnsVariance(look),
  options: unseen,
  read: async ({ path }, told) => (await reader()).readCmCheckpoint(path, told),
  inspect: async ({ tensors }) => (await reader()).cmCheckpoint(tensors),
});

/** Of guided diffusion, with a classifier in a file of its own. Dhariwal & Nichol 2021, arXiv:2105.05233. */
export const adm = family({
  name: 'adm',
  what: 'ADM’s',
  files: 'ADM (.pt)',
  isOf: (look) => isUNet(look) && learnsVariance(look),
  options: {
    ...unseen,
    classifier: file(
      '256x256_classifier.pt',
      'The file of the classifier that guides an ADM checkpoint, relative to the spec; for guidance cg.',
    ),
  },
  guidance: 'cg',
  async read({ path: diffusion }, { classifier, ...told }) {
    const { image_size: _, ...heads } = told;
    const paths = { diffusion, ...(classifier !== undefined && { classifier }) };
    return (await reader()).readAdmCheckpoint(paths, { diffusion: told, classifier: heads });
  },
  inspect: async ({ tensors }) => (await reader()).admCheckpoint(tensors),
});
