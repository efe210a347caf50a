import { dhariwalUNet } from '../networks/dhariwal-unet.js';
import type { Network } from '../networks/network.js';
import { songUNet } from '../networks/song-unet.js';
import type { EdmNetworkOptions } from './edm-options.js';

/** The network that the options describe. */
export const edmNetwork = (options: EdmNetworkOptions): Network =>
  options.type === 'SongUNet' ? songUNet(options) : dhariwalUNet(options);
