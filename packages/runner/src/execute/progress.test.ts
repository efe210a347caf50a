import type { ActionRecord, Task } from '@fewstep/taskgraph';
import { describe, expect, it } from 'vitest';
import { progress, type Screen } from './progress.js';

const task = (title: string, work: number) =>
  ({ id: title, title, work, kind: { name: title.split(' ')[0] } }) as Task;
const record = {} as ActionRecord;

it('measures the rate of each network over its tasks, and tells no time left when they are done', () => {
  let now = 0;
  const lines: string[] = [];
  const { onEvent } = progress(
    { write: (text) => lines.push(text) },
    { tasks: 5, work: { model: 200, features: 16 }, now: () => now },
  );
  const spend = (one: Task, ms: number) => {
    onEvent({ type: 'started', task: one });
    now += ms;
    onEvent({ type: 'computed', task: one, record });
  };
  spend(task('samples a', 100), 1_000);
  spend(task('picture', 0), 8_000);
  spend(task('features a', 8), 4_000);
  spend(task('samples b', 100), 1_000);
  onEvent({ type: 'found', source: 'local', task: task('features b', 8), record });
  expect(lines).toEqual([
    '[1/5] samples a: 1.0 s · 100 evaluations/s · 0:01 left\n',
    '[2/5] picture: 8.0 s · 100 evaluations/s · 0:01 left\n',
    '[3/5] features a: 4.0 s · 100 evaluations/s · 0:05 left\n',
    '[4/5] samples b: 1.0 s · 2.0 evaluations/s · 0:04 left\n',
  ]);
});

it('says what share is done of a task that evaluates no network', () => {
  let now = 0;
  const lines: string[] = [];
  const { onEvent } = progress(
    { write: (text) => lines.push(text) },
    { tasks: 2, work: { model: 100, features: 0 }, now: () => now },
  );
  onEvent({ type: 'started', task: task('prdc', 0) });
  now = 30_000;
  onEvent({ type: 'progress', task: task('prdc', 0), done: 0.25 });
  expect(lines).toEqual(['[0/2] prdc · 25 % · 1:30 left\n']);
});

it('says who is waited for, once for each', () => {
  const lines: string[] = [];
  const { onEvent } = progress(
    { write: (text) => lines.push(text) },
    { tasks: 3, work: { model: 0, features: 0 }, now: () => 0 },
  );
  for (const [title, holder] of [
    ['a', 'node-1, process 7'],
    ['b', 'node-1, process 7'],
    ['a', 'node-2, process 9'],
  ])
    onEvent({ type: 'waiting', task: task(title!, 0), holder: holder! });
  expect(lines).toEqual([
    'waiting for a, which node-1, process 7 computes\n',
    'waiting for a, which node-2, process 9 computes\n',
  ]);
});

describe('on a terminal', () => {
  const terminal = (columns: number, work = { model: 0, features: 0 }, like: Partial<Screen> = {}) => {
    let now = 0;
    let shown = '';
    const all: string[] = [];
    const calls: { at: number; call: () => void }[] = [];
    const later = (ms: number, call: () => void) => {
      calls.push({ at: now + ms, call });
      return () => calls.splice(0);
    };
    const screen = {
      ...{ isTTY: true, columns, ...like },
      write: (text: string) => {
        all.push(text);
        shown = text.slice(text.lastIndexOf('\x1b[0J') + '\x1b[0J'.length);
      },
    };
    const { onEvent } = progress(screen, { tasks: 2, work, now: () => now, later });
    const pass = (ms: number) => {
      now += ms;
      for (const { call } of calls.splice(0).filter(({ at }) => at <= now)) call();
    };
    pass(1000);
    return { onEvent, pass, all, shown: () => shown };
  };

  it('shows what runs, though it began right after something else was drawn', () => {
    const { onEvent, pass, shown } = terminal(0);
    onEvent({ type: 'found', source: 'local', task: task('network', 0), record });
    expect(shown()).toBe('[1/2] looking through the store');
    pass(10);
    onEvent({ type: 'started', task: task('fid', 0) });
    pass(100);
    expect(shown()).toBe('[1/2] fid');
  });

  it('speaks of another run only while nothing runs here', () => {
    const { onEvent, pass, shown } = terminal(200);
    onEvent({ type: 'started', task: task('fid', 0) });
    pass(200);
    onEvent({ type: 'waiting', task: task('kid', 0), holder: 'node, process 7' });
    pass(200);
    expect(shown()).toBe('[0/2] fid');
    onEvent({ type: 'computed', task: task('fid', 0), record });
    pass(200);
    expect(shown()).toBe('[1/2] waiting for kid, which node, process 7 computes');
    onEvent({ type: 'found', source: 'local', task: task('kid', 0), record });
    pass(200);
    expect(shown()).toBe('[2/2] looking through the store');
  });

  it('keeps the time left where a name is long', () => {
    const { onEvent, pass, shown } = terminal(49, { model: 0, features: 90 });
    const features = task('features of /a/folder/that/is/named/at/length', 90);
    onEvent({ type: 'started', task: features });
    pass(1000);
    onEvent({ type: 'progress', task: features, done: 30 });
    pass(1000);
    expect(shown()).toBe('[0/2] features of /a/folder/… · 33 % · 0:02 left');
  });

  it('has a line for each task that runs, with its share, rate and time left, under the totals', () => {
    const { onEvent, pass, shown, all } = terminal(60, { model: 300, features: 0 }, { hasColour: true });
    const [a, b] = [task('samples a', 100), task('samples b', 200)] as const;
    onEvent({ type: 'started', task: a });
    onEvent({ type: 'started', task: b });
    onEvent({ type: 'started', task: task('picture', 0) });
    pass(2000);
    onEvent({ type: 'progress', task: a, done: 50 });
    onEvent({ type: 'progress', task: b, done: 10 });
    pass(2000);
    const dim = (text: string) => `\x1b[2m${text}\x1b[22m`;
    expect(shown().split('\n')).toEqual([
      `[0/2]${dim(' · 15 evaluations/s · 0:16 left')}`,
      `  samples a${dim(' · 50 % · 13/s · 0:04 left')}`,
      `  samples b${dim(' · 5 % · 2.5/s · 1:16 left')}`,
      '  picture',
    ]);
    expect(all.at(-1)?.startsWith('\r\x1b[3A\x1b[0J[0')).toBe(true); // over the lines before
    onEvent({ type: 'computed', task: a, record });
    pass(200);
    expect(shown().split('\n')).toHaveLength(3);
    onEvent({ type: 'warning', task: b, text: 'slow' });
    expect(all.at(-1)).toBe('\r\x1b[2A\x1b[0Jwarning: samples b: slow\n');
  });

  it('counts what a low terminal has no lines for', () => {
    const { onEvent, pass, shown } = terminal(60, { model: 0, features: 0 }, { rows: 6 });
    for (const title of ['a', 'b', 'c', 'd']) onEvent({ type: 'started', task: task(title, 0) });
    pass(200);
    expect(shown()).toBe('[0/2]\n  a\n  b\n  and 2 more');
  });

  it('is silent where only warnings are to be heard', () => {
    const { onEvent, pass, all } = terminal(60, { model: 0, features: 0 }, { isQuiet: true });
    onEvent({ type: 'started', task: task('a', 0) });
    pass(20_000);
    onEvent({ type: 'computed', task: task('a', 0), record });
    expect(all).toEqual([]);
    onEvent({ type: 'failed', task: task('b', 0), error: new Error('no') });
    expect(all).toHaveLength(1);
  });

  it('counts slices and shards as they come, and cuts lines by columns', () => {
    const { onEvent, pass, shown } = terminal(10);
    for (const title of ['a', 'b', 'c'])
      onEvent({ type: 'found', source: 'local', task: task(title, 0), record });
    pass(200);
    expect(shown()).toBe('[3/3] loo');
  });

  it.each([
    [12, '[0/2] 学習'],
    [13, '[0/2] 学習率'],
    [15, '[0/2] 学習率e\u0301'],
    [17, '[0/2] 学習率e\u0301👩‍🔬'],
    [18, '[0/2] 学習率e\u0301👩‍🔬𠮷'],
    [1, ''],
    [0, '[0/2] 学習率e\u0301👩‍🔬𠮷'],
  ])('cuts no letter, wide or composed, at %i columns', (columns, line) => {
    const { onEvent, pass, shown } = terminal(columns);
    onEvent({ type: 'started', task: task('学習率e\u0301👩‍🔬𠮷', 0) });
    pass(200);
    expect(shown()).toBe(line);
  });
});
