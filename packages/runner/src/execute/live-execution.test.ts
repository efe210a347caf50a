import type { ActionRecord, Event, Shards, Task } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { liveExecution } from './live-execution.js';

const shards = {
  id: 's',
  ranges: [
    [8, 11],
    [0, 7],
  ],
} as unknown as Shards;
const task = (id: string, range?: readonly [number, number]) =>
  ({ id, title: id, work: 4, ...(range && { range, shards }) }) as unknown as Task;
const record = (key: string) => ({ key }) as unknown as ActionRecord;

it('is an execution as far as it has come', () => {
  const live = liveExecution(2);
  const [alone, first, second, third] = [
    task('alone'),
    task('a', [8, 11]),
    task('b', [0, 3]),
    task('c', [4, 7]),
  ];
  const failure = new Error('no');
  const events: Event[] = [
    { type: 'expanded', shards, count: 3 },
    { type: 'started', task: alone },
    { type: 'found', task: third, record: record('3'), source: 'remote' },
    { type: 'computed', task: second, record: record('2') },
    { type: 'found', task: first, record: record('1'), source: 'local' },
    { type: 'started', task: task('d') },
    { type: 'failed', task: task('d'), error: failure },
    { type: 'progress', task: alone, done: 1 },
  ];
  for (const event of events) live.onEvent(event);
  const { records, sources, shards: cut, failures, ...counts } = live.soFar();
  expect(counts).toEqual({ computed: 1, local: 1, remote: 1 });
  expect(sources.get(third)).toBe('remote');
  // in the order in which their items are asked for
  expect(cut.get(shards)).toEqual([first, second, third]);
  expect([...records.keys()]).toEqual([third, second, first]);
  expect([...failures.values()]).toEqual([failure]);
  expect(live.progress()).toEqual({ done: 3, of: 5, now: ['alone (25 %)'] });
  // what only moves on changes nothing that is found
  const before = live.changes();
  live.onEvent({ type: 'progress', task: alone, done: 2 });
  expect(live.changes()).toBe(before);
  live.onEvent({ type: 'computed', task: alone, record: record('4') });
  expect(live.changes()).toBe(before + 1);
  expect(records.size).toBe(3);
});
