import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, depthOf, heun } from '@fewstep/solvers';
import { expect, it } from 'vitest';
import { fewstep } from './command-line.js';

it('samplers export writes for other programs, and says on standard error what is lossy', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'fewstep-export-'));
  const table = compile({ solver: heun, sigmas: [14, 3, 0.03] });
  const sampler = {
    format: 'fewstep-sampler',
    version: 1,
    nfe: 4,
    depth: depthOf(table),
    table,
    model: { dataset: 'ms_coco', shape: [4, 64, 64], sigma_min: 0.03, sigma_max: 14, latents: true },
    schedule: { type: 'polynomial', rho: 7 },
    student: { solver: 'heun', num_steps: 3 },
  };
  writeFileSync(join(cwd, 'heun-4.json'), JSON.stringify(sampler));
  const run = (...args: readonly string[]) =>
    fewstep(['samplers', 'export', 'heun-4.json', ...args], { cwd });
  const [written, unknown] = await Promise.all([
    run('--to', 'comfyui', '--outdir', 'nodes', '--json'),
    run('--to', 'forge', '--outdir', 'nodes'),
  ]);
  const { code, stdout, stderr } = written;
  const files = ['fewstep_heun_4.py', 'workflow-sigmas.json', 'workflow.json'];
  const answer = JSON.parse(stdout);
  expect({ code, files: readdirSync(join(cwd, 'nodes')).sort() }).toEqual({ code: 0, files });
  expect(answer.files.sort()).toEqual(files.map((name) => `nodes/${name}`));
  expect(answer.notes).toHaveLength(2);
  expect(stderr).toBe(`${answer.notes.join('\n')}\n`);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  rmSync(cwd, { recursive: true });
});
