import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { clipScoreCalc } from './clip-score.js';

const clip = fileURLToPath(new URL('../../../../models/fixtures/clip-tiny.open-clip.bin', import.meta.url));
const told = '{ activation: gelu, vision_heads: 3, text_heads: 2 }';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fewstep-clip-'));
  vi.stubEnv('FEWSTEP_MODELS', folder);
  writeFileSync(join(folder, 'prompts.txt'), 'a cat\n');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Of a folder with files of these names. */
function calc(names: readonly string[], options: object = {}) {
  const images = mkdtempSync(join(folder, 'set-'));
  for (const name of names) {
    mkdirSync(join(images, name, '..'), { recursive: true });
    writeFileSync(join(images, name), '');
  }
  const nobody = { line: () => {}, data: () => {}, object: () => {} };
  const prompts = join(folder, 'prompts.txt');
  return clipScoreCalc([images], { clip, clipNetwork: told, prompts, ...options }, nobody);
}

it.each([
  [
    'a picture of all',
    ['000000.png', 'grid.png'],
    'grid.png',
    /grid\.png tells no seed, .* Rename it, or move it away/,
  ],
  ['a number of a data set', ['00000/img00000000.png'], '00000/img00000000.png', /tells no seed/],
  [
    'a seed twice',
    ['a/000017.png', 'b/17.jpg'],
    'b/17.jpg',
    /b\/17\.jpg is of seed 17, as a\/000017\.png is/,
  ],
])('pairs nothing by its place: %s is refused', async (_, names, entry, message) => {
  await expect(calc(names)).rejects.toMatchObject({
    code: 'E_IMAGES',
    message: expect.stringMatching(message),
    evidence: { entry },
  });
});

it('is told of its CLIP before it reads an image, and of all that is not there at once', async () => {
  await expect(calc(['0.png'], { clipNetwork: '{ activation: gelu }' })).rejects.toMatchObject({
    code: 'E_FILE',
    message: expect.stringMatching(/don't show vision_heads, text_heads: .* Write that as --clip-network$/),
  });
  await expect(calc(['0.png'], { clipNetwork: '{ activation: relu }' })).rejects.toMatchObject({
    code: 'E_SPEC',
    problems: [{ path: 'dataset.clip_network.activation' }],
  });
  await expect(calc(['0.png'], { clip: 'clip-vit-g-14', prompts: undefined })).rejects.toMatchObject({
    code: 'E_FILE',
    message: expect.stringMatching(
      /^clip: clip-vit-g-14 needs .*open_clip_pytorch_model\.bin, .*fewstep models fetch clip-vit-g-14, .*\nprompts: ms_coco needs .*captions\.csv/,
    ),
  });
  writeFileSync(join(folder, 'blank.txt'), '\n');
  await expect(calc(['0.png'], { prompts: join(folder, 'blank.txt') })).rejects.toMatchObject({
    code: 'E_FILE',
    message: expect.stringMatching(/blank\.txt has no prompt in it$/),
  });
});

it('draws nothing by a seed alone', async () => {
  await expect(calc(['0.png'], { seed: 1 })).rejects.toMatchObject({ code: 'E_USAGE' });
});
