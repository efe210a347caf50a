import type { Device } from '@fewstep/models';
import { type Executor, type Json, localExecutor } from '@fewstep/taskgraph';

/** Runs an experiment's tasks in child processes. `device`: what evaluates networks; the CPU by default. */
export const experimentExecutor = ({ device }: { device?: Device | undefined } = {}): Executor =>
  localExecutor({
    kinds: new URL('../tasks/kinds.js', import.meta.url),
    ...(device && { device: device as unknown as Json }),
  });
