import { describe, expect, it } from 'vitest';
import type { EdmCheckpoint } from '../checkpoints/checkpoint.js';
import { edmNetwork } from '../checkpoints/edm-checkpoint.js';
import { parseEdmOptions } from '../checkpoints/edm-options.js';
import { openDenoiser } from '../denoiser.js';
import { exportDenoiser } from '../export-denoiser.js';
import { sizeOf, type Tensor } from '../files/tensor.js';
import { parameterShapes } from './parameters.js';

/** A network of two levels, 16×16 and 8×8, whose weights depend on their name and place alone. */
function tiny(options: Record<string, string | number | readonly number[]>): EdmCheckpoint {
  const given = {
    img_resolution: 16,
    in_channels: 2,
    out_channels: 2,
    model_channels: 8,
    channel_mult: [1, 1],
    num_blocks: 1,
  };
  const network = edmNetwork(parseEdmOptions('SongUNet', new Map(Object.entries({ ...given, ...options }))));
  const weights = [...parameterShapes(network.forward)].map(([name, shape]): [string, Tensor] => {
    const salt = [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1009;
    const data = name.endsWith('resample_filter')
      ? new Float32Array(4).fill(0.25)
      : Float32Array.from({ length: sizeOf(shape) }, (_, i) => 0.4 * Math.sin(salt + 1.7 * i));
    return [name, { dtype: 'F32', shape, data }];
  });
  return {
    family: 'edm',
    ...network,
    preconditioning: { type: 'edm', sigmaData: 0.5 },
    sigmaMin: 0.002,
    sigmaMax: 80,
    weights: Object.fromEntries(weights),
  };
}

/** The same with the parameters of some layers set to zero. */
function without({ weights, ...rest }: EdmCheckpoint, layers: readonly string[]): EdmCheckpoint {
  const cleared = Object.entries(weights).map(([name, tensor]): [string, Tensor] =>
    layers.some((layer) => name.startsWith(`${layer}.`))
      ? [name, { dtype: 'F32', shape: tensor.shape, data: new Float32Array(tensor.data.length) }]
      : [name, tensor],
  );
  return { ...rest, weights: Object.fromEntries(cleared) };
}

async function denoise(checkpoint: EdmCheckpoint): Promise<Float64Array> {
  const { graph, info } = exportDenoiser(checkpoint);
  const denoiser = await openDenoiser(graph, info, { threads: 1 });
  const x = Float64Array.from({ length: 512 }, (_, i) => Math.cos(0.9 * i));
  const { denoised } = await denoiser.evaluate({ x, sigma: 1 });
  await denoiser.close();
  return denoised;
}

/** Largest difference. */
const apart = (a: Float64Array, b: Float64Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

// No published network has these paths, and no official figures exist for them here: they are held to what they add.
describe('skip paths of DDPM++', () => {
  it('of the encoder add a projection of the shrunken image to every level', async () => {
    const plain = await denoise(tiny({}));
    const skip = tiny({ encoder_type: 'skip' });
    expect(apart(await denoise(without(skip, ['enc.8x8_aux_skip'])), plain)).toBeLessThan(1e-6);
    expect(apart(await denoise(skip), plain)).toBeGreaterThan(1e-3);
  });

  it('of the decoder add every level’s own image, enlarged', async () => {
    const plain = await denoise(tiny({}));
    const skip = tiny({ decoder_type: 'skip' });
    expect(apart(await denoise(without(skip, ['dec.8x8_aux_conv'])), plain)).toBeLessThan(1e-6);
    expect(apart(await denoise(skip), plain)).toBeGreaterThan(1e-3);
    // the level's image is the same in each 2×2 block: c_out at σ = 1 is 1/√5
    const added = (await denoise(skip)).map((value, i) => (value - plain[i]!) * Math.sqrt(5));
    for (const i of [0, 34, 100, 290])
      for (const j of [1, 16, 17]) expect(Math.abs(added[i]! - added[i + j]!)).toBeLessThan(1e-5);
  });
});

it('leaves the bottleneck out where a network has no 8×8 level', () => {
  expect(exportDenoiser(tiny({})).info.bottleneck).toBe(true);
  expect(exportDenoiser(tiny({ channel_mult: [1] })).info.bottleneck).toBe(false);
});
