import { fileURLToPath } from 'node:url';
import { openClip, parseDevice } from '@fewstep/models';
import { describe, expect, it } from 'vitest';
import { engine } from './engine.js';
import { refusal } from './models.test.support.js';

describe('a device by its word', () => {
  it.each([
    ['tfjs', { type: 'engine', name: 'tfjs' }],
    ['tfjs:wasm', { type: 'engine', name: 'tfjs', target: 'wasm' }],
    ['tfjs:node-gpu', { type: 'engine', name: 'tfjs', target: 'node-gpu' }],
  ])('%s', async (text, device) => {
    expect(await parseDevice(text)).toEqual(device);
  });

  it.each([
    ['tfjs:webgl', /^device "tfjs:webgl": TF\.js computes with node-gpu, node, wasm, cpu, not "webgl"$/],
    ['tfjs:', /not ""/],
  ])('not %s', async (text, message) => {
    await expect(parseDevice(text)).rejects.toThrow(refusal(message));
  });
});

describe('a backend', () => {
  const open = (target: string) =>
    engine.open(new Uint8Array(), { what: 'nothing', inputs: [], outputs: [] }, target);

  it('that is not installed is told of, with what to install', async () => {
    await expect(open('node-gpu')).rejects.toThrow(
      refusal(
        /TF\.js can't compute with node-gpu: .*npm install @tensorflow\/tfjs-node-gpu, or take the best that is installed, which is the device tfjs/,
      ),
    );
  });

  it('that is none is refused by who opens a graph with it, too', async () => {
    await expect(open('webgl')).rejects.toThrow(refusal(/not "webgl"/));
  });
});

it('computes both encoders of CLIP as ONNX Runtime does', async () => {
  const path = fileURLToPath(new URL('../../models/fixtures/clip-tiny.open-clip.bin', import.meta.url));
  const tokenizer = { encode: (_: string, length: number) => Array.from({ length }, (_, i) => (i * 7) % 40) };
  const data = Uint8Array.from({ length: 2 * 3 * 16 ** 2 }, (_, i) => (i * 89) % 256);
  const embed = async (word: string) => {
    const told = { activation: 'gelu', vision_heads: 3, text_heads: 2 } as const;
    const clip = await openClip(path, { ...told, tokenizer, device: await parseDevice(word) });
    const images = await clip.embedImages({ data, n: 2, channels: 3, height: 16, width: 16 });
    const texts = await clip.embedTexts(['any', 'other']);
    await clip.close();
    return [...images, ...texts];
  };
  const [found, expected] = [await embed('tfjs:cpu'), await embed('cpu')];
  expect(found).toHaveLength(80);
  for (const [i, v] of found.entries()) expect(Math.abs(v - expected[i]!)).toBeLessThan(1e-5);
});
