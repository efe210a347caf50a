import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';

const digits = join(root, 'experiments/digits/digits-edm.pkl');
const spec = (dataset: string) => `name: small
dataset: ${dataset}
schedule: { type: polynomial, rho: 7 }
student: { solver: amed, num_steps: 3, afs: true }
train: { total_kimg: 0.016, batch: 8 }
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
`;
const onnx = (file: string, more = '') =>
  `{ checkpoint: ${file}, sigma_min: 0.002, sigma_max: 80, onnx: { parametrization: denoiser${more} } }`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const { code, stderr } = await fewstep(['models', 'export', digits, '--outdir', dir], { cwd: dir });
  expect(code, stderr).toBe(0);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function run(name: string, dataset: string, ...args: string[]) {
  await writeFile(join(dir, `${name}.yaml`), spec(dataset));
  const command = ['run', `${name}.yaml`, '--json', '--results', name, ...args];
  const { code, stdout, stderr } = await fewstep(command, { cwd: dir });
  expect(code, stderr).toBe(0);
  const { points, tasks } = JSON.parse(stdout);
  const { artifacts, nfe } = points[0];
  return {
    nfe,
    computed: tasks.computed,
    predictor: artifacts.predictor && (await readFile(join(dir, artifacts.predictor))),
    images: readSafetensors(await readFile(artifacts.samples[0])).images!.data,
    warnings: stderr.match(/^warning:.*/gm) ?? [],
  };
}

describe('a denoiser in an ONNX file', () => {
  it('trains the predictor that its checkpoint trains, and gives its images, bit for bit', async () => {
    const checkpoint = await run('checkpoint', `{ checkpoint: ${digits} }`);
    const file = await run('file', onnx('denoiser/model.onnx'));
    // what is made of the images is found, for they are the same
    expect(file).toEqual({ ...checkpoint, computed: checkpoint.computed - 2 });
    expect(file).toMatchObject({ nfe: 3, warnings: [] });
    expect(file.predictor.length).toBeGreaterThan(30_000);
  });

  it('without a bottleneck trains on zeros, and says so once in a run', async () => {
    const graph = await readFile(join(dir, 'denoiser/model.onnx'), 'latin1');
    expect(graph).toContain('bottleneck');
    await writeFile(join(dir, 'blind.onnx'), graph.replaceAll('bottleneck', 'in_between'), 'latin1');
    const warning = /^warning: denoiser from .*blind\.onnx has no bottleneck, so that predictors read zeros/;
    const blind = await run('blind', onnx('blind.onnx', ', output: denoised'));
    expect(blind).toMatchObject({ nfe: 3, warnings: [expect.stringMatching(warning)] });
    const again = await run('blind', onnx('blind.onnx', ', output: denoised'));
    expect(again).toEqual({ ...blind, computed: 0 });
    const plain = ['--set', 'student={ solver: euler, num_steps: 4 }', '--set', 'train=false'];
    const { warnings } = await run('plain', onnx('blind.onnx', ', output: denoised'), ...plain);
    expect(warnings).toEqual([]);
    const named = await run('named', onnx('blind.onnx', ', output: denoised, bottleneck: in_between'));
    expect(named.warnings).toEqual([]);
    const { images } = await run('file', onnx('denoiser/model.onnx'));
    expect(named.images).toEqual(images);
    expect(blind.images).not.toEqual(images);
  });

  it('that is none is wrong input, said when it is read', async () => {
    await writeFile(join(dir, 'broken.onnx'), 'no ONNX at all');
    await writeFile(join(dir, 'broken.yaml'), spec(onnx('broken.onnx')));
    const { code, stderr } = await fewstep(['run', 'broken.yaml'], { cwd: dir });
    expect(stderr).toMatch(/denoiser from .*broken\.onnx: E_ONNX .*broken\.onnx: no protocol buffer/);
    expect(code).toBe(1);
  });

  it('is told by models inspect', async () => {
    const { stdout } = await fewstep(['models', 'inspect', 'denoiser/model.onnx'], { cwd: dir });
    expect(stdout).toMatch(/^denoiser\/model\.onnx: an ONNX graph\n {2}format {6}ONNX, [\d,]+ bytes\n/);
    expect(stdout).toMatch(/^ {2}operators {3}ai\.onnx 17, \d+ nodes, by fewstep$/m);
    expect(stdout).toMatch(/^ {2}inputs {6}x: float32 \[n, 1, 32, 32\]\n {14}sigma: float32 \[n\]$/m);
    expect(stdout).toMatch(/^ {2}outputs {5}denoised: float32 \[n, 1, 32, 32\]\n {14}bottleneck: /m);
  });
});
