import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { ready, type Task, taskOf } from '@fewstep/taskgraph';
import { RunnerError } from '../../errors.js';
import type { Experiment } from '../../experiment/experiment.js';
import { compile, rootsOf } from '../../graph/compile.js';
import { kinds } from '../../tasks/kinds.js';
import { openResults } from '../reports/output.js';
import { say } from '../terminal/say.js';
import { demand, work } from './work.js';
import type { World } from './world.js';

/** `fewstep plan SPEC… --tasks FILE`: writes what can be computed now, a task a line. */
export async function writeTasks(
  file: string,
  experiments: readonly Experiment[],
  world: World,
): Promise<number> {
  const roots = experiments.flatMap((experiment) => rootsOf(compile(experiment)));
  const { tasks, failures } = await ready(roots, world);
  demand({ failures });
  const path = resolve(file);
  const results = await openResults(dirname(path), 'nothing was computed');
  await results.write(tasks.map((task) => `${JSON.stringify(task)}\n`).join(''), basename(path));
  return tasks.length;
}

/**
 * `fewstep worker --once FILE N`: computes lines of such a file, the first of which is 1, on the store that it is of.
 *
 * @throws RunnerError E_TASK_LIST; E_TASK… of the tasks
 */
export async function workOnce(file: string, lines: string | undefined, world: World): Promise<void> {
  const [, first = '', last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(lines ?? '') ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === '' || from < 1 || to < from)
    throw refusal(`which lines of ${file} are asked for? N, or N-M, from 1 on`);
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw refusal(`${file} can't be read (${cause.message})`);
  });
  const all = text.split('\n').filter((line) => line !== '');
  // the last of equal parts may be a shorter one, or none
  const asked = all.slice(from - 1, to);
  if (asked.length === 0) return say(`${file} has ${all.length} tasks: there is nothing to do in ${lines}`);
  const tasks: Task[] = [];
  for (const line of asked) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      throw refusal(`${file} has a line that is no JSON: ${line.slice(0, 100)}`);
    }
    tasks.push(await taskOf(parsed, { kinds, ...world }));
  }
  const { failures, computed, local, remote } = await work(tasks, world);
  demand({ failures });
  say(`tasks: ${computed} computed, ${local + remote} found`);
}

const refusal = (message: string) =>
  new RunnerError('E_TASK_LIST', `${message}. fewstep plan SPEC --tasks FILE writes such a file.`);
