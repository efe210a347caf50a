import { family, holdsObject, type Look } from './family.js';
import { allFrom } from './sources.js';

async function read({ path, pickled }: Look) {
  const { edmCheckpoint, readEdmCheckpoint } = await import('../checkpoints/edm-checkpoint.js');
  return pickled === undefined ? readEdmCheckpoint(path) : edmCheckpoint(pickled);
}

/** Of EDM's repository: a pickled object, whose tensors are within. Karras et al. 2022, arXiv:2206.00364. */
export const edm = family({
  name: 'edm',
  what: 'EDM’s',
  files: 'EDM (.pkl)',
  isOf: holdsObject,
  options: {},
  read,
  async inspect(look) {
    const { network, weights, preconditioning } = await read(look);
    // in EDM's words: who uses the network without its preconditioning must know them
    const scaling = 'sigmaData' in preconditioning ? { sigma_data: preconditioning.sigmaData } : {};
    const told = { ...network, precond: preconditioning.type, ...scaling };
    return { network: told, weights, sources: allFrom('file', told) };
  },
});
