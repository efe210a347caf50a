import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noiseTable, noiseTables } from '@fewstep/schedules';
import {
  compile,
  euler,
  generators,
  ipndm,
  type SamplerTable,
  solveSync,
  startOf,
  tableSolver,
} from '@fewstep/solvers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TargetName } from '../../export/targets.js';
import { formatSampler, type SamplerFile } from '../../sampler/sampler-file.js';
import { samplersExport } from './export.js';

const folder = mkdtempSync(join(tmpdir(), 'fewstep-export-'));
afterAll(() => rmSync(folder, { recursive: true }));

const shape = [2, 4, 6] as const;
const size = 2 * 4 * 6;
const noise = noiseTable(noiseTables.sd);
const levels = [noise.sigmaMax, 5.1, 1.7, 0.4, noise.sigmaMin];

/** All rows by band, nothing where a method has it. */
const banded = (): SamplerTable => {
  const start = { solver: ipndm(), sigmas: levels, afs: true, shape };
  const { parameters, table } = generators.table.make({ bands: 3, by_band: 'all' }, start);
  const moved = parameters.map(({ start, step }, i) => start + step * Math.sin(5 * i));
  expect(startOf({ parameters, table }).bands!.edges).toEqual([0.2, 0.4]);
  return table(moved);
};
const tables = {
  banded: banded(),
  euler: compile({ solver: euler, sigmas: levels, denoiseToZero: true }),
  own: compile({ solver: euler, sigmas: [14, 3, 0.1] }),
  pixels: compile({ solver: ipndm(), sigmas: [80, 20, 3, 0.5, 0.002], afs: true }),
};
/** What could become code, of a file that anybody may have written. */
const source = '"\n"""\nimport os; os.abort()\n"""\\" # \u2028 MIT';

function write(name: keyof typeof tables): void {
  const isPixels = name === 'pixels';
  const sampler: SamplerFile = {
    table: tables[name],
    model: {
      ...(name !== 'own' && !isPixels && { dataset: 'ms_coco' }),
      shape,
      sigma_min: isPixels ? 0.002 : levels.at(-1)!,
      sigma_max: isPixels ? 80 : levels[0]!,
      latents: !isPixels,
    },
    schedule: { type: 'time_uniform', rho: 1 },
    student: { solver: 'ipndm', num_steps: 5 },
    ...(!isPixels && { guidance: { type: 'cfg', rate: 7.5 } }),
    source,
  };
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'sampler.json'), formatSampler(sampler));
}

/** What the command answers. */
async function exportTo(file: string, to: TargetName, model?: string) {
  const answer = { lines: [] as string[], object: {} };
  const path = file in tables ? join(folder, file, 'sampler.json') : file;
  await samplersExport(
    path,
    { to, outdir: at(file, to), ...(model !== undefined && { model }) },
    {
      line: (text) => void answer.lines.push(text),
      data: () => {},
      object: (value) => {
        answer.object = value;
      },
    },
  );
  return answer;
}
const at = (...names: readonly string[]) => join(folder, names.join('-'));
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** ln ᾱ of Stable Diffusion's times. */
const logs = ((product = 1) =>
  Array.from({ length: 1000 }, (_, k) => {
    const root = Math.sqrt(0.00085) + (k / 999) * (Math.sqrt(0.012) - Math.sqrt(0.00085));
    product *= 1 - root * root;
    return Math.log(product);
  }))();

/** Two clusters at ±0.3, of deviation 0.1. */
function denoised(x: number, sigma: number): number {
  const v = 0.01 + sigma * sigma;
  return (0.01 * x + sigma * sigma * 0.3 * Math.tanh((0.3 * x) / v)) / v;
}

const z = Float64Array.from({ length: 2 * size }, (_, i) => 1.3 * Math.sin(7 * i * i + 1));
function ours(table: SamplerTable): number[] {
  const denoise = ({ x, sigma }: { readonly x: Float64Array; readonly sigma: unknown }) => ({
    denoised: x.map((value) => denoised(value, sigma as number)),
  });
  return [...solveSync({ solver: tableSolver(table), x: z, n: 2, sigmas: [1, 0.5], denoise }).x];
}

let answers: Awaited<ReturnType<typeof exportTo>>[];
const said: string[] = [];
beforeAll(async () => {
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  for (const name of ['banded', 'euler', 'own', 'pixels'] as const) write(name);
  answers = await Promise.all([
    exportTo('banded', 'comfyui'),
    exportTo('banded', 'diffusers'),
    exportTo('euler', 'diffusers'),
    exportTo('euler', 'comfyui'),
    exportTo('euler', 'json'),
    exportTo('pixels', 'diffusers'),
  ]);
  spy.mockRestore();
});

it('says what there is, and writes no more', () => {
  const files = ['fewstep_banded.py', 'workflow.json'].map((name) => join(at('banded', 'comfyui'), name));
  expect(answers[0]).toMatchObject({
    lines: files,
    object: { to: 'comfyui', files, notes: [expect.any(String)] },
  });
  expect(readdirSync(at('banded', 'diffusers')).sort()).toEqual(['scheduler.py', 'scheduler_config.json']);
  expect(readdirSync(at('banded', 'comfyui')).sort()).toEqual(['fewstep_banded.py', 'workflow.json']);
  const all = ['fewstep_euler.py', 'workflow-sigmas.json', 'workflow.json'];
  expect(readdirSync(at('euler', 'comfyui')).sort()).toEqual(all);
});

it('tells a network in discrete times those times, any other σ', () => {
  const { timesteps, scale_input, prediction_type, sigmas, rows } = read(
    join(at('euler', 'diffusers'), 'scheduler_config.json'),
  );
  expect({ scale_input, prediction_type }).toEqual({ scale_input: true, prediction_type: 'epsilon' });
  expect({ sigmas, rows }).toEqual(tables.euler);
  // between times ln ᾱ is linear
  expect(timesteps).toHaveLength(5);
  for (const [k, time] of (timesteps as number[]).entries()) {
    const low = Math.min(998, Math.floor(time));
    const log = logs[low]! + (time - low) * (logs[low + 1]! - logs[low]!);
    expect(Math.sqrt(Math.expm1(-log))).toBeCloseTo(tables.euler.sigmas[k]!, 9);
  }
  expect(read(join(at('pixels', 'diffusers'), 'scheduler_config.json'))).toMatchObject({
    timesteps: tables.pixels.sigmas,
    scale_input: false,
    prediction_type: 'sample',
    _source: source,
  });
});

it('gives lists that are read as they are meant', () => {
  const workflow = read(join(at('euler', 'comfyui'), 'workflow-sigmas.json'));
  expect(workflow.sample.inputs).toMatchObject({ cfg: 7.5, sampler: ['solver', 0], sigmas: ['sigmas', 0] });
  expect(workflow.solver).toEqual({ class_type: 'KSamplerSelect', inputs: { sampler_name: 'euler' } });
  // as ManualSigmas reads it
  const found = workflow.sigmas.inputs.sigmas
    .match(/[-+]?(?:\d*\.*\d+)/g)
    .map(Number)
    .map(Math.fround);
  expect(found).toEqual([...levels, 0].map(Math.fround));
  const { timesteps } = read(join(at('euler', 'diffusers'), 'scheduler_config.json'));
  const { sigmas, class: name, notes } = read(join(at('euler', 'diffusers'), 'sigmas.json'));
  expect(name).toBe('EulerDiscreteScheduler');
  const logSigmas = logs.map((log) => Math.log(Math.expm1(-log)) / 2);
  const apart = tables.euler.sigmas.map((sigma, k) => {
    const high = Math.max(
      1,
      logSigmas.findIndex((log) => log >= Math.log(sigma) - 1e-12),
    );
    const [from, to] = [logSigmas[high - 1]!, logSigmas[high]!];
    const time = high - 1 + (Math.log(sigma) - from) / (to - from);
    return Math.abs(time - timesteps[k]);
  });
  expect(notes).toEqual([expect.stringContaining(` ${Math.max(...apart).toPrecision(2)} apart`)]);
  expect(said).toContain(`${notes[0]}\n`);
  expect(sigmas).toEqual([...levels, 0]);
  expect(read(join(at('euler', 'json'), 'table.json'))).toMatchObject({
    ...tables.euler,
    sigma_lists: [
      { program: 'comfyui', solver: 'euler', sigmas },
      { program: 'diffusers', solver: 'EulerDiscreteScheduler', sigmas },
    ],
  });
});

it('says what nobody told it of a latent model', async () => {
  const spy = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { object } = await exportTo('own', 'diffusers');
  const { object: told } = await exportTo('own', 'diffusers', 'ms_coco');
  spy.mockRestore();
  expect(object).toMatchObject({ notes: [expect.stringContaining('--model ms_coco')] });
  expect(told).toMatchObject({ files: [{}, {}, {}].map(() => expect.any(String)) });
});

it.each<[string, TargetName, string | undefined, string, RegExp]>([
  ['pixels', 'comfyui', undefined, 'E_SAMPLER', /made for pixels.*--to diffusers/],
  [
    'pixels',
    'diffusers',
    'ms_coco',
    'E_SAMPLER',
    /^table\.sigmas\[0\] is 20, noise that the network has no time/,
  ],
  ['euler', 'json', 'inception', 'E_MODELS', /"inception" is no dataset/],
  ['predictor.safetensors', 'json', undefined, 'E_SAMPLER', /student\.bottleneck: zero/],
  ['/nowhere/sampler.json', 'json', undefined, 'E_SAMPLER', /there is no file \/nowhere\/sampler\.json/],
])('refuses %s to %s of %s', async (file, to, model, code, message) => {
  await expect(exportTo(file, to, model)).rejects.toThrow(
    expect.objectContaining({ code, exitCode: 2, message: expect.stringMatching(message) }),
  );
});

const python = spawnSync('python3', ['-c', 'import numpy'], { encoding: 'utf8' }).status === 0;
describe.skipIf(!python)('run by Python (needs python3 with numpy)', () => {
  const told = (name: keyof typeof tables, kind: string, more: object = {}) => ({
    kind,
    folder: at(name, kind),
    shape: [2, ...shape],
    z: [...z],
    ...more,
  });
  const runs = {
    'diffusers, noise': told('banded', 'diffusers'),
    'diffusers, v': told('banded', 'diffusers', { prediction_type: 'v_prediction' }),
    'diffusers, image': told('euler', 'diffusers', { prediction_type: 'sample' }),
    'diffusers, σ': told('pixels', 'diffusers'),
    'ComfyUI, by band': told('banded', 'comfyui', { file: 'fewstep_banded.py', sigma_max: noise.sigmaMax }),
    'ComfyUI, plain': told('euler', 'comfyui', { file: 'fewstep_euler.py', sigma_max: noise.sigmaMax }),
  };
  let found: Readonly<
    Record<string, { sample: number[]; told: number[]; source: string; refused: string[] }>
  >;
  beforeAll(() => {
    const host = fileURLToPath(new URL('export.test.support.py', import.meta.url));
    const { stdout, stderr } = spawnSync('python3', [host], {
      input: JSON.stringify(runs),
      encoding: 'utf8',
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    expect(stderr).toBe('');
    found = JSON.parse(stdout);
  });

  it.each(Object.entries(runs))('%s: gives the sample that the table gives', (label, { folder: where }) => {
    const name = (['banded', 'euler', 'pixels'] as const).find((one) => where.includes(one))!;
    const expected = ours(tables[name]);
    const { sample } = found[label]!;
    expect(sample).toHaveLength(expected.length);
    const apart = Math.max(...expected.map((value, i) => Math.abs(value - sample[i]!)));
    expect(apart).toBeLessThan(1e-12);
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.2);
  });

  it('is told times as float32, and σ as it is', () => {
    const { timesteps } = read(join(at('banded', 'diffusers'), 'scheduler_config.json'));
    expect(found['diffusers, noise']!.told).toEqual(timesteps.map(Math.fround));
    expect(found['diffusers, σ']!.told).toEqual(tables.pixels.sigmas.map(Math.fround));
    expect(found['ComfyUI, by band']!.told).toEqual(tables.banded.sigmas);
  });

  it('has no code of a file’s text, and refuses what it can’t do', () => {
    expect(found['ComfyUI, plain']!.source).toBe(source);
    expect(found['ComfyUI, plain']!.refused).toEqual(['ValueError']); // noise levels of another node
    expect(found['diffusers, noise']!.refused).toEqual(['ValueError', 'ValueError']); // other steps, one step too many
  });
});
