import type { Device } from '@fewstep/models';
import { type Executor, type Json, localExecutor } from '@fewstep/taskgraph';

/** The module that declares the kinds of an experiment's tasks. */
export const kindsModule = new URL('../tasks/kinds.js', import.meta.url);

/** Runs an experiment's tasks in child processes. `device`: what evaluates networks; the CPU by default. */
export const experimentExecutor = ({ device }: { device?: Device | undefined } = {}): Executor =>
  localExecutor({ kinds: kindsModule, ...(device && { device: device as unknown as Json }) });
