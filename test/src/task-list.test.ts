import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyOf, type ReadyTask } from '@fewstep/taskgraph';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fewstep } from './command-line.js';
import { plain, run } from './faults/small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-list-'));
  await writeFile(join(dir, 'spec.yaml'), plain({ more: 'grid: { student.num_steps: [2, 3] }\n' }));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const once = (file: string, lines: string) => fewstep(['worker', lines, '--once', file], { cwd: dir });
/** The task as another version of a package would have it. */
const ofVersions = (task: ReadyTask, versions: ReadyTask['versions']): ReadyTask => {
  const digests = Object.entries(task.inputs).map(([name, list]) => [name, list.map(({ digest }) => digest)]);
  const { kind, params } = task;
  return { ...task, versions, key: keyOf({ kind, params, inputs: Object.fromEntries(digests), versions }) };
};

it('a grid is computed a line of a list at a time, and what is not a task of these versions is refused', async () => {
  const waves: string[][] = [];
  for (let wave = 0; wave < 2; wave++) {
    const { code, stdout, stderr } = await fewstep(['plan', 'spec.yaml', '--tasks', 'list'], { cwd: dir });
    expect(code, stderr).toBe(0);
    const lines = (await readFile(join(dir, 'list'), 'utf8')).split('\n').filter((line) => line !== '');
    expect(stdout).toContain(`ready: ${lines.length}, a line of list each`);
    const tasks: ReadyTask[] = lines.map((line) => JSON.parse(line));
    waves.push(tasks.map(({ kind }) => kind));
    if (wave === 0) {
      const [task] = tasks as [ReadyTask];
      const bad = [
        ofVersions(task, { ...task.versions, models: '99.0.0' }),
        { ...task, params: { ...(task.params as object), more: 1 } },
      ];
      await writeFile(join(dir, 'bad'), bad.map((one) => `${JSON.stringify(one)}\n`).join(''));
      const [others, changed, none] = await Promise.all([
        once('bad', '1'),
        once('bad', '2'),
        once('list', '0'),
      ]);
      expect(others).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /E_TASK_VERSIONS denoiser .*: models 99\.0\.0 is asked for, and it has .*\. Install those/s,
        ),
      });
      expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining('its key is not of what') });
      expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('N, or N-M, from 1 on') });
    }
    // as array jobs of one task each
    const parts = lines.map((_, i) => once('list', String(i + 1)));
    for (const { code, stderr } of await Promise.all(parts)) expect(code, stderr).toBe(0);
  }
  expect(waves).toEqual([['denoiser'], ['samples', 'samples']]);
  expect((await run(dir)).tasks).toMatchObject({ computed: 3, local: 3 });
});
