import { type Device, type LoadedDecoder, openDecoder } from '@fewstep/models';
import type { Json } from '@fewstep/taskgraph';
import { lastOpened } from './last-opened.js';
import type { ModelInfo } from './model-info.js';

/** How latents become images. */
interface Decoder {
  /** Of one image. */
  readonly shape: readonly [number, number, number];
  /** [n × C·R·R] of latents [n × c·r·r], −1 black to 1 white. */
  decode(latents: Float64Array): Promise<Float64Array>;
}

const keep = lastOpened<LoadedDecoder>();

/** The decoder of a task's inputs, on its device, where the model denoises latents. */
export async function loadDecoder(
  { inputs, device }: { readonly inputs: { readonly decoder: string | undefined }; readonly device: Json },
  { decoder: info }: ModelInfo,
): Promise<Decoder | undefined> {
  if (!info) return undefined;
  const graph = inputs.decoder;
  if (graph === undefined) throw new Error('a model of latents has a decoder');
  const decoder = await keep(graph, () => openDecoder(graph, info, { device: device as Device }));
  const { imageChannels, imageResolution } = info;
  return {
    shape: [imageChannels, imageResolution, imageResolution],
    decode: async (latents) => (await decoder.decode(latents)).images,
  };
}
