import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openClip } from './clip.js';
import { readSafetensors } from './files/safetensors.js';
import { openStateDict } from './files/state-dict.js';
import { toFloat32 } from './files/tensor.js';

const at = (name: string) => fileURLToPath(new URL(`../fixtures/clip-tiny.${name}`, import.meta.url));
const io = readSafetensors(readFileSync(at('io.safetensors')));
const heads = { vision_heads: 3, text_heads: 2 };
const [N, SIZE, POSITIONS, DIM] = [3, 16, 12, 20];
const { data } = io.images as { data: Uint8Array };
const images = { data, n: N, channels: 3, height: SIZE, width: SIZE };
/** Of texts that are only numbers of rows. */
const tokens = Array.from(io.tokens!.data, Number);
const tokenizer = {
  encode: (text: string) => tokens.slice(Number(text) * POSITIONS, (Number(text) + 1) * POSITIONS),
};
const texts = ['0', '1', '2'];
const files = ['open-clip.bin', 'open-ai.pt', 'hugging-face.safetensors'];

const distance = (found: Float32Array, expected: Float32Array) =>
  found.length === expected.length ? Math.max(...found.map((v, i) => Math.abs(v - expected[i]!))) : Infinity;

it.each([
  ['gelu', 'quick_gelu'],
  ['quick_gelu', 'gelu'],
] as const)('embeds as PyTorch does with %s, and otherwise with %s', async (activation, other) => {
  for (const file of files) {
    const clip = await openClip(at(file), { activation, ...heads, tokenizer });
    expect(clip).toMatchObject({ dim: DIM, imageSize: SIZE });
    const found = { images: await clip.embedImages(images), texts: await clip.embedTexts(texts) };
    for (const what of ['images', 'texts'] as const) {
      expect(distance(found[what], toFloat32(io[`${activation}.${what}`]!))).toBeLessThan(1e-6);
      expect(distance(found[what], toFloat32(io[`${other}.${what}`]!))).toBeGreaterThan(1e-3);
    }
    await clip.close();
  }
});

it('gives a sample the same bits in a batch and alone, and grey as three alike', async () => {
  const clip = await openClip(at(files[0]!), { activation: 'gelu', ...heads, tokenizer });
  const together = { images: await clip.embedImages(images), texts: await clip.embedTexts(texts) };
  const size = data.length / N;
  for (const i of texts.keys()) {
    const own = { ...images, data: data.subarray(i * size, (i + 1) * size), n: 1 };
    const row = (all: Float32Array) => all.slice(i * DIM, (i + 1) * DIM);
    expect(await clip.embedImages(own)).toEqual(row(together.images));
    expect(await clip.embedTexts([`${i}`])).toEqual(row(together.texts));
  }
  const grey = data.subarray(0, SIZE ** 2);
  const coloured = Uint8Array.from([...grey, ...grey, ...grey]);
  expect(await clip.embedImages({ ...images, data: grey, n: 1, channels: 1 })).toEqual(
    await clip.embedImages({ ...images, data: coloured, n: 1 }),
  );

  const small = { ...images, height: 8 };
  await expect(clip.embedImages(small)).rejects.toMatchObject({ code: 'E_ENGINE', evidence: { height: 8 } });
  await expect(clip.embedImages({ ...images, n: 2 })).rejects.toMatchObject({
    code: 'E_ENGINE',
    evidence: { n: 2, length: data.length },
  });
  await clip.close();
  // CLIP's own tokens are more than this network has
  const plain = await openClip(at(files[0]!), { activation: 'gelu', ...heads });
  await expect(plain.embedTexts(['a cat'])).rejects.toMatchObject({
    code: 'E_ENGINE',
    evidence: { token: 49406 },
  });
  await plain.close();
});

it('reads a TorchScript program’s tensors as those of a state dict', async () => {
  const [dict, program] = [await openStateDict(at('open-clip.bin')), await openStateDict(at('open-ai.pt'))];
  const { input_resolution, context_length, vocab_size, ...weights } = program.read();
  expect([input_resolution, context_length, vocab_size].map((one) => Number(one!.data[0]))).toEqual([
    16, 12, 40,
  ]);
  expect(weights).toEqual(dict.read());
  dict.close();
  program.close();
});
