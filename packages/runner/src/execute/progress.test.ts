import type { ActionRecord, Task } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { progress } from './progress.js';

const task = (title: string, work: number) => ({ id: title, title, work }) as Task;
const record = {} as ActionRecord;

it('measures the rate over the tasks that evaluate the network, and tells no time left when they are done', () => {
  let now = 0;
  const lines: string[] = [];
  const { onEvent } = progress(
    { write: (text) => lines.push(text) },
    { tasks: 3, work: 200, now: () => now },
  );
  const spend = (one: Task, ms: number) => {
    onEvent({ type: 'started', task: one });
    now += ms;
    onEvent({ type: 'computed', task: one, record });
  };
  spend(task('samples a', 100), 1_000);
  spend(task('features', 0), 8_000);
  spend(task('samples b', 100), 1_000);
  onEvent({ type: 'found', source: 'local', task: task('features', 0), record });
  expect(lines).toEqual([
    '[1/3] samples a: 1.0 s · 100 evaluations/s · 0:01 left\n',
    '[2/3] features: 8.0 s · 100 evaluations/s · 0:01 left\n',
    '[3/3] samples b: 1.0 s\n',
  ]);
});

it('says once that another run is at work', () => {
  const lines: string[] = [];
  const { onEvent } = progress({ write: (text) => lines.push(text) }, { tasks: 2, work: 0, now: () => 0 });
  for (const title of ['samples a', 'samples b', 'samples a'])
    onEvent({ type: 'waiting', task: task(title, 0) });
  expect(lines).toEqual(['waiting for another run that computes samples a\n']);
});
