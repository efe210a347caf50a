import { exportFeatureNetwork } from '@fewstep/models';
import { expect, it } from 'vitest';
import { openBackend } from './backend.js';
import { engine } from './engine.js';
import { dinoIn, tiny, tinyFigures, tinyImage, tinyImages, tinyWeights } from './models.test.support.js';

it('gives DINOv2’s features of images of any size', async ({ skip }) => {
  skip(
    !(await openBackend('wasm').then(
      () => true,
      () => false,
    )),
  );
  const weights = new Map(Object.entries(tinyWeights(tiny.plain)));
  const { graph } = exportFeatureNetwork(dinoIn({ tensors: weights, read: () => weights }));
  const signature = { what: 'a feature network', inputs: ['images'], outputs: ['features'] };
  const session = await engine.open(graph, signature, 'wasm');
  const size = tinyImages[1];
  const { features } = await session.run({ images: { data: tinyImage(1), shape: [3, ...size] } }, 1);
  await session.close();
  const expected = tinyFigures[`plain.${size.join('x')}`]!.data as Float32Array;
  expect(features).toHaveLength(expected.length);
  expect(Math.max(...expected.map((v, i) => Math.abs(v - Number(features![i]))))).toBeLessThan(1e-4);
});
