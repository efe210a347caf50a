import { dhariwalUNet } from './dhariwal-unet.js';
import type { EdmNetworkOptions } from './edm-options.js';
import type { Network } from './network.js';
import type { Ops } from './ops.js';
import { songUNet } from './song-unet.js';

/**
 * EDM's preconditioning: D(x; σ) = c_skip x + c_out F(c_in x; c_noise), with
 * c_skip = s²/(σ²+s²), c_out = σs/√(σ²+s²), c_in = 1/√(σ²+s²), c_noise = ln(σ)/4, s = `sigmaData`.
 *
 * Source: Karras et al. 2022, table 1, arXiv:2206.00364.
 */
export function edmDenoiser<T>(
  ops: Ops<T>,
  network: Network,
  sigmaData: number,
  { x, sigma, labels }: { x: T; sigma: T; labels: T | undefined },
): { denoised: T; bottleneck: T | undefined } {
  const cIn = ops.power(ops.affine(ops.multiply(sigma, sigma), 1, sigmaData ** 2), -0.5);
  const cSkip = ops.affine(ops.multiply(cIn, cIn), sigmaData ** 2, 0);
  const cOut = ops.affine(ops.multiply(sigma, cIn), sigmaData, 0);
  const noise = ops.affine(ops.log(sigma), 1 / 4, 0);
  const { output, bottleneck } = network(ops, { x: ops.multiply(x, cIn), noise, labels });
  return {
    denoised: ops.add(ops.multiply(x, cSkip), ops.multiply(output, cOut)),
    bottleneck: bottleneck === undefined ? undefined : ops.channelMean(bottleneck),
  };
}

/** The network that the options describe. */
export function edmNetwork(options: EdmNetworkOptions): Network {
  return options.type === 'SongUNet' ? songUNet(options) : dhariwalUNet(options);
}
