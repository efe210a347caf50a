import { RunnerError } from '../../errors.js';
import { type ExecutorOptions, executorNamed, kindsModule } from '../../execute/experiment-executor.js';
import { findPlugin } from '../../plugins.js';
import { workingFolder } from '../../workspace.js';
import { interruption } from '../terminal/interruption.js';
import { say } from '../terminal/say.js';
import { type CacheOption, openWorld, type StoreOptions, sayWorld } from './world.js';

interface WorkerOptions extends StoreOptions, CacheOption, ExecutorOptions {
  readonly once?: string;
}

/**
 * `fewstep worker --redis URL`: takes tasks and computes them until it is ended; what it has begun then is given back.
 * `fewstep worker --once FILE N`: computes tasks of a list.
 */
export async function worker(lines: string | undefined, options: WorkerOptions): Promise<void> {
  if (options.once !== undefined) {
    const world = await openWorld(options);
    sayWorld(world);
    const { workOnce } = await import('./task-list.js');
    return workOnce(options.once, lines, world);
  }
  const named = executorNamed(options);
  if (named === undefined)
    throw new RunnerError(
      'E_PLUGIN',
      'a worker is told where tasks are: --redis URL, --executor NAME:PLACE, or --once FILE N.',
    );
  const { open: serve } = await findPlugin('worker', named, workingFolder());
  const world = await openWorld(options);
  sayWorld(world);
  const ended = new Promise<void>((resolve) => {
    interruption(resolve);
  });
  const executors = world.executors();
  const { versions, open } = world;
  const serving = await serve({ kinds: kindsModule, versions, open, executors, say });
  const slots = executors.map(({ executor }, i) => `${executor.slots} of ${serving.queues[i]}`);
  say(`waiting for tasks, at once ${slots.join(' and ')}`);
  const alive = setInterval(() => {}, 1 << 30);
  await ended;
  clearInterval(alive);
  say('ending: what was begun is given back');
  await serving.close();
  // a Redis that doesn't answer keeps nobody here
  process.exit();
}
