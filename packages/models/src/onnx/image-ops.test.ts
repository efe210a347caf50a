import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { tinyImage, tinyImages } from '../dino-tiny.test.support.js';
import { readSafetensors } from '../files/safetensors.js';
import { ImageOps, type ImageResize } from './image-ops.js';
import { encodeOnnx } from './onnx-model.js';

const figures = readSafetensors(readFileSync(new URL('../../fixtures/resize.safetensors', import.meta.url)));

const bitsOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

async function opened(channels: number, size: number, resize: ImageResize, threads = 0) {
  const ops = new ImageOps({});
  const { graph } = encodeOnnx(ops.model({ y: ops.images('images', channels, size, resize) }));
  const session = await InferenceSession.create(graph, { intraOpNumThreads: threads });
  return {
    async run(data: Float32Array, [height, width]: readonly [number, number]) {
      const shape = [data.length / (channels * height * width), channels, height, width];
      const { y } = await session.run({ images: new Tensor('float32', data, shape) });
      expect(y!.dims).toEqual([shape[0], channels, size, size]);
      return y!.data as Float32Array;
    },
    close: () => session.release(),
  };
}

it('images of any size are resized by pixels in corners, or in centres', async () => {
  // rows alike: what matters is where the four columns stand
  for (const [resize, twice, half] of [
    ['corners', [0, 4, 8, 8], [0, 2, 4, 6]],
    ['centres', [0, 2, 6, 8], [0.5, 2.5, 4.5, 6.5]],
  ] as const) {
    const network = await opened(1, 4, resize);
    expect([...(await network.run(Float32Array.of(0, 8, 0, 8), [2, 2])).slice(0, 4)]).toEqual(twice);
    const eight = Float32Array.from({ length: 8 }, (_, i) => i);
    expect([...(await network.run(eight, [1, 8])).slice(0, 4)]).toEqual(half);
    await network.close();
  }
});

// ONNX Runtime's own resizing has its places in float32, as the official code has
it.each([
  ['bicubic', 224, 37, 1e-4],
  ['corners', 299, 193, 1e-2],
  ['centres', 299, 193, 1e-2],
] as const)(
  'images are resized by %s as PyTorch does it, upwards and downwards',
  async (resize, side, step, bound) => {
    const network = await opened(3, side, resize);
    for (const [number, size] of tinyImages.entries()) {
      const image = tinyImage(number);
      const found = await network.run(image, size);
      const expected = figures[`${resize}.${size.join('x')}`]!.data as Float32Array;
      expect(expected).toHaveLength(Math.ceil((3 * side ** 2) / step));
      const distance = Math.max(...expected.map((v, i) => Math.abs(v - found[step * i]!)));
      expect([size, distance < bound, distance]).toEqual([size, true, distance]);
      if (size[0] === side) expect(bitsOf(found).equals(bitsOf(image))).toBe(true);
    }
    await network.close();
  },
);

it('an image is resized to the same bits in a batch, alone, and by one thread', async () => {
  const [first, second] = [tinyImage(1), tinyImage(1).reverse()];
  const both = new Float32Array(2 * first.length);
  both.set(first);
  both.set(second, first.length);
  const many = await opened(3, 224, 'bicubic');
  const together = await many.run(both, tinyImages[1]);
  const alone = await many.run(second, tinyImages[1]);
  expect(bitsOf(alone).equals(bitsOf(together.subarray(together.length / 2)))).toBe(true);
  await many.close();
  const single = await opened(3, 224, 'bicubic', 1);
  expect(bitsOf(await single.run(both, tinyImages[1])).equals(bitsOf(together))).toBe(true);
  await single.close();
});
