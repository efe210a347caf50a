import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '@fewstep/models';
import { root } from './command-line.js';

/** What the weights of the tiny CLIP don't show. */
export const clipTold = { activation: 'gelu', vision_heads: 3, text_heads: 2 } as const;

/** Writes the tiny CLIP with as many tokens and positions as CLIP's own tokenizer has. */
export async function writeClip(path: string): Promise<void> {
  const tiny = join(root, 'packages/models/fixtures/clip-tiny.hugging-face.safetensors');
  const width = 16;
  const rows = (n: number) => ({
    dtype: 'F32' as const,
    shape: [n, width],
    data: Float32Array.from({ length: n * width }, (_, i) => Math.sin(i * i)),
  });
  const weights = {
    ...readSafetensors(await readFile(tiny)),
    'text_model.embeddings.token_embedding.weight': rows(49_408),
    'text_model.embeddings.position_embedding.weight': rows(77),
  };
  await writeFile(path, writeSafetensors(weights));
}
