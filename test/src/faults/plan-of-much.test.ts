import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../command-line.js';
import { plain, removeAll, run, within } from './small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'spec.yaml'), plain());
});
afterAll(() => removeAll([dir]));

describe('a plan of more than can be computed', () => {
  it.concurrent.each([
    ['seeds', ['sample.seeds=0-4294967295']],
    ['training images', ['student.solver=amed', 'train={ total_kimg: 200000 }']],
  ])('is told, or refused, at once and in little memory: %s', async (_, set) => {
    const args = ['plan', 'spec.yaml', ...set.flatMap((one) => ['--set', one])];
    const env = { NODE_OPTIONS: '--max-old-space-size=700' };
    const { code, stderr, inTime } = await within(60, start(args, { cwd: dir, env }));
    expect(inTime).toBe(true);
    if (code !== 0) expect([code, stderr]).toEqual([2, expect.stringMatching(/\bE_[A-Z]+ /)]);
  });
});

const hasPipes = spawnSync('sh', ['-c', 'command -v mkfifo']).status === 0;
it.skipIf(!hasPipes).concurrent(
  'a plan waits for nothing that lies among the records (needs mkfifo)',
  async () => {
    await run(dir);
    const records = join(dir, '.fewstep/records');
    // Whoever reads one of these as a file waits for a writer, who never comes.
    const pipes = (await readdir(records)).map((folder) =>
      join(records, folder, `${folder.repeat(32)}.json`),
    );
    spawnSync('sh', ['-c', 'mkfifo "$@"', 'sh', ...pipes]);
    const args = ['plan', 'spec.yaml', '--set', 'schedule.rho=5'];
    const { code, stdout, inTime } = await within(30, start(args, { cwd: dir }));
    expect(inTime).toBe(true);
    expect(code).toBe(0);
    expect(stdout).toContain('samples');
    for (const pipe of pipes) expect((await stat(pipe)).isFIFO()).toBe(true);
  },
);
