import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { findPredictor } from './find-predictor.js';

let dir: string;
beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'fewstep-find-')));
  for (const file of [
    '.fewstep/mark',
    'own.pkl',
    'digits/readme.txt', // a folder of data, not the result of that name
    'exps/00000-cifar10-4-7/network-snapshot-000004.pkl',
    'exps/00000-cifar10-4-7/network-snapshot-000010.pkl',
    'exps/00000-cifar10-4-7/network-snapshot-000009.pt',
    'exps/00000-cifar10-4-7/training-state-000020.pt',
    'exps/00003-ffhq/log.txt',
    'exp/00027-ms_coco/network-snapshot-000005.pt',
    'exps/00012-a/network-snapshot-000001.pkl',
    'exps/12-b/network-snapshot-000001.pkl',
    'results/7-nfe/AMED-Solver/predictor.safetensors',
    'results/digits/AMED-Solver/predictor.safetensors',
    'results/digits/AMED-Plugin/predictor.safetensors',
    'results/digits/plain/grid.png',
  ]) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(join(dir, file), '');
  }
  vi.spyOn(process, 'cwd').mockReturnValue(dir);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true });
});

it.each([
  ['own.pkl', 'own.pkl'],
  ['exps/00000-cifar10-4-7', 'exps/00000-cifar10-4-7/network-snapshot-000010.pkl'],
  ['0', 'exps/00000-cifar10-4-7/network-snapshot-000010.pkl'],
  ['00000', 'exps/00000-cifar10-4-7/network-snapshot-000010.pkl'],
  ['27', 'exp/00027-ms_coco/network-snapshot-000005.pt'],
  ['7', 'results/7-nfe/AMED-Solver/predictor.safetensors'],
  ['7-nfe', 'results/7-nfe/AMED-Solver/predictor.safetensors'],
  ['digits/AMED-Plugin', 'results/digits/AMED-Plugin/predictor.safetensors'],
  ['results/digits/AMED-Solver', 'results/digits/AMED-Solver/predictor.safetensors'],
])('%s is %s', async (told, path) => {
  expect(await findPredictor(told)).toBe(join(dir, path));
});

it.each([
  [
    'digits',
    ['results/digits/AMED-Plugin/predictor.safetensors', 'results/digits/AMED-Solver/predictor.safetensors'],
    /any of 2 predictors, results\/digits\/AMED-Plugin/,
  ],
  [
    '12',
    ['exps/00012-a/network-snapshot-000001.pkl', 'exps/12-b/network-snapshot-000001.pkl'],
    /name one of these files/,
  ],
  ['3', undefined, /exps\/00003-ffhq holds no predictor/],
  [
    '5',
    undefined,
    /no folder in exps, exp and results has the number 5: there are exps\/00000-cifar10-4-7, /,
  ],
  ['none.pkl', [], /there is no file none\.pkl/],
  ['nothing', undefined, /no result; results hold results\/7-nfe\/AMED-Solver\/predictor\.safetensors, /],
  ['https://host/a.pkl', [], /is an address: download the file/],
] as const)('%s is refused with what there is', async (told, found, message) => {
  await expect(findPredictor(told)).rejects.toMatchObject({
    code: 'E_PREDICTOR',
    exitCode: 2,
    message: expect.stringMatching(message),
    evidence: { predictor: told, ...(found && { found: found.map((path) => join(dir, path)) }) },
  });
});
