import { type Clip, type ClipTold, type Device, openClip } from '@fewstep/models';
import type { Digest, Json } from '@fewstep/taskgraph';
import { writeTensors } from './artifacts.js';
import { lastOpened } from './last-opened.js';

/** What a CLIP is told beside its file. */
export interface ClipParams {
  /** What its weights don't show. */
  readonly network?: ClipTold;
}

const keep = lastOpened<Clip>();

/** The CLIP of a task on its device, opened once for all tasks of a process that have the same: by its content. */
export const openClipOf = ({
  params: { network },
  inputs,
  digests,
  device,
}: {
  readonly params: ClipParams;
  readonly inputs: { readonly network: string };
  readonly digests: Readonly<Record<string, readonly Digest[]>>;
  /** One for all tasks of a process. */
  readonly device: Json;
}): Promise<Clip> =>
  keep(JSON.stringify([digests.network, network]), () =>
    openClip(inputs.network, { ...network, device: device as Device }),
  );

/** Embeddings, float32 [n × dim], each of length 1, and what stands beside them. */
export const writeEmbeddings = (
  dir: string,
  data: Float32Array,
  dim: number,
  beside: Parameters<typeof writeTensors>[2] = {},
): Promise<string> =>
  writeTensors(dir, 'embeddings.safetensors', {
    embeddings: { dtype: 'F32', shape: [data.length / dim, dim], data },
    ...beside,
  });
