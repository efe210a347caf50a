import { dhariwalUNet } from './dhariwal-unet.js';
import type { EdmNetworkOptions } from './edm-options.js';
import type { Network } from './network.js';
import { songUNet } from './song-unet.js';

/** The network that the options describe. */
export const edmNetwork = (options: EdmNetworkOptions): Network =>
  options.type === 'SongUNet' ? songUNet(options) : dhariwalUNet(options);
