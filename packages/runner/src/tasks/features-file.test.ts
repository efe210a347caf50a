import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readFeatures, writeFeatures } from './features-file.js';

it('keeps features with hardly a byte beside them, and gives back those of all shards', async () => {
  const dim = 224;
  const data = Float32Array.from({ length: 40 * dim }, (_, i) => i / 8);
  const paths = await Promise.all(
    [data.subarray(0, 30 * dim), data.subarray(30 * dim)].map(async (shard) => {
      const dir = await mkdtemp(join(tmpdir(), 'fewstep-features-'));
      const { files, meta } = await writeFeatures(dir, shard, dim);
      expect(meta).toEqual({ images: shard.length / dim });
      expect(await readdir(dir)).toEqual([files.features]);
      const { size } = await stat(join(dir, files.features));
      expect(size / shard.byteLength).toBeLessThan(1.02);
      return join(dir, files.features);
    }),
  );
  expect(await readFeatures(paths)).toEqual({ data, dim });
  for (const path of paths) await rm(join(path, '..'), { recursive: true });
});
