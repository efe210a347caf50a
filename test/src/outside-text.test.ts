import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep } from './command-line.js';
import { digits } from './faults/small-store.js';
import { workspace } from './small-experiment.js';

/** What a terminal would obey, and what would be a line of ours. */
const hostile = '\x1b[2J\x9b31m\r\b\u202e\u2066\u2028\nE_SPEC forged: `a`|<b>*c*\\|';
/** The same as it is shown. */
const harmless = '\\u001b[2J\\u009b31m\\r\\b\\u202e\\u2066\\u2028\\nE_SPEC forged: `a`|<b>*c*\\|';

/** Networks in a folder of that name, of which one is broken; the labels of both are made of their paths. */
const files = ['whole.pkl', 'broken.pkl'].map((name) => `${hostile}/${name}`);
const labels = files.map((file) => `checkpoint ${file}`);

let dir: string;
beforeAll(async () => {
  const spec = `name: outside
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 2 }
train: false
sample: { seeds: 0, batch: 1, grid: 1x1 }
grid: { dataset: ${JSON.stringify(files.map((checkpoint) => ({ checkpoint })))} }
`;
  dir = await workspace(spec);
  await mkdir(join(dir, hostile));
  await symlink(digits.checkpoint, join(dir, files[0]!));
  await writeFile(join(dir, files[1]!), '\x80\x04\x7f');
  await writeFile(join(dir, 'wrong.yaml'), `${spec}${JSON.stringify(hostile)}: ${JSON.stringify(hostile)}\n`);
  await writeFile(
    join(dir, 'weights.safetensors'),
    writeSafetensors({ [`${hostile}.weight`]: { dtype: 'F32', shape: [1], data: new Float32Array(1) } }),
  );
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Lines of text with nothing else in them than what can be seen, and none that somebody else began. */
function plain(text: string): string {
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\u2028-\u202e\u2066-\u2069]/u);
  expect(text).not.toMatch(/^E_SPEC forged/m);
  return text;
}

describe('text from outside is data, on a terminal, in a table and in JSON', () => {
  it('labels and paths, through a run that fails in one point', async () => {
    const { code, stdout, stderr } = await fewstep(['run', 'spec.yaml'], { cwd: dir });
    expect(code).toBe(1);
    expect(plain(stderr)).toContain(`samples of checkpoint ${harmless}/whole.pkl`);
    expect(stderr).toMatch(/^ {2}E_SPEC forged: .*\/broken\.pkl: E_PICKLE /m);
    const [, , row = ''] = (await readFile(join(dir, 'results/outside/table.md'), 'utf8')).split('\n');
    const cell =
      '\\\\u001b\\[2J\\\\u009b31m\\\\r\\\\b\\\\u202e\\\\u2066\\\\u2028\\\\nE_SPEC forged: \\`a\\`\\|\\<b\\>\\*c\\*\\\\\\|';
    expect(row).toMatch(/^\| .* \| +1 \|$/);
    expect(row.startsWith(`| checkpoint ${cell}/whole.pkl `)).toBe(true);
    expect(plain(stdout)).toContain(row);
    const json = await readFile(join(dir, 'results/outside/report.json'), 'utf8');
    expect(JSON.parse(plain(json)).points.map(({ label }: { label: string }) => label)).toEqual(labels);
  });

  it('names of tensors', async () => {
    const { code, stdout, stderr } = await fewstep(['models', 'inspect', 'weights.safetensors'], {
      cwd: dir,
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(plain(stdout)).toContain(harmless);
  });

  it('keys and paths in problems, whose fields are exact', async () => {
    const { code, stdout, stderr } = await fewstep(['validate', 'wrong.yaml', `${hostile}.yaml`, '--json'], {
      cwd: dir,
    });
    expect(code).toBe(2);
    expect(plain(stderr)).toContain(`${harmless}.yaml E_SPEC there is no such file`);
    const { error } = JSON.parse(plain(stdout));
    expect(error.problems.at(-1).file).toBe(`${hostile}.yaml`);
  });

  it('options and names, as they are refused', async () => {
    const { stderr } = await fewstep(['models', 'fetch', `--${hostile.replace('\n', '')}`], { cwd: dir });
    expect(plain(stderr)).toContain(harmless.replace('\\n', ''));
  });
});
