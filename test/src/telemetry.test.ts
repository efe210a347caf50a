import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './command-line.js';
import { workspace } from './small-experiment.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-quiet-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What a process leaves in its home and in the folder for temporary files: ONNX Runtime's traces of what it would post. */
async function tracesOf(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
  const [home, temporary] = [await mkdtemp(join(dir, 'home-')), await mkdtemp(join(dir, 'tmp-'))];
  // and nothing else of the environment: where it says CI, nothing is posted anyway
  const all = { PATH: process.env.PATH, HOME: home, TMPDIR: temporary, ...env };
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, env: all, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const left = [...(await readdir(home, { recursive: true })), ...(await readdir(temporary))];
  return left.filter((name) => /onnxruntime|DeveloperTools|mat-debug/i.test(name));
}

const checkpoint = join(root, 'experiments/digits/digits-edm.pkl');
const features = join(root, 'experiments/digits/digits-features.onnx');
const network = (env?: Readonly<Record<string, string>>) =>
  tracesOf(
    [
      '--input-type=module',
      '-e',
      `import { openFeatureNetwork } from '@fewstep/metrics/onnx'; await (await openFeatureNetwork(${JSON.stringify(features)})).close();`,
    ],
    join(root, 'test'),
    env,
  );

describe('nothing is said of what is computed', () => {
  it('by metrics alone; who wants it said may set it so', async () => {
    expect(await network()).toEqual([]);
    expect(await network({ ORT_DISABLE_TELEMETRY: '0' })).not.toEqual([]);
  });

  it('by models alone, in its own thread or in another', async () => {
    const code = `import { exportDenoiser, openDenoiser, readCheckpoint } from '@fewstep/models';
      const { graph, info } = await exportDenoiser(await readCheckpoint(${JSON.stringify(checkpoint)}));
      await (await openDenoiser(graph, info)).close();`;
    expect(await tracesOf(['--input-type=module', '-e', code], join(root, 'test'))).toEqual([]);
  });

  it('by a run and the processes that compute for it', async () => {
    const cwd = await workspace(`name: quiet
dataset: { checkpoint: ${checkpoint} }
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 0-3, grid: 2x2 }
`);
    const bin = join(root, 'packages/runner/bin/fewstep.js');
    expect(await tracesOf([bin, 'run', 'spec.yaml'], cwd)).toEqual([]);
    await rm(cwd, { recursive: true, force: true });
  });
});
