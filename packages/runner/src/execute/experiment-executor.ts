import type { Device } from '@fewstep/models';
import { type Executor, type Json, localExecutor } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import { engineNamed, findPlugin, type Plugin } from '../plugins.js';

/** The module that declares the kinds of an experiment's tasks. */
const kindsModule = new URL('../tasks/kinds.js', import.meta.url);

/** Runs an experiment's tasks in child processes. `device`: what evaluates networks; the CPU by default. */
export const experimentExecutor = ({ device }: { device?: Device | undefined } = {}): Executor =>
  localExecutor({ kinds: kindsModule, ...(device && { device: device as unknown as Json }) });

/** Options of the commands whose tasks evaluate networks. */
export interface ExecutorOptions {
  readonly device?: string;
  readonly executor?: string;
}

/** Where a command computes, and by which packages that aren't ours. */
export interface Workplace {
  open(): Promise<Executor>;
  readonly plugins: readonly Plugin[];
}

/**
 * @param folder where executors are looked for first
 * @throws ModelError E_ENGINE for a word that names no device; RunnerError E_PLUGIN
 */
export async function workplaceOf(
  { device: word, executor }: ExecutorOptions,
  folder: string,
): Promise<Workplace> {
  const device = word === undefined ? undefined : await (await import('@fewstep/models')).parseDevice(word);
  const engines = device?.type === 'engine' ? [await engineNamed(device.name)] : [];
  if (executor === undefined) return { open: async () => experimentExecutor({ device }), plugins: engines };
  const { open, name, version } = await findPlugin('executor', executor, folder);
  return {
    async open() {
      const here = experimentExecutor({ device });
      const given = { kinds: kindsModule, here, ...(device && { device: device as unknown as Json }) };
      const made = await open(given);
      if (!(Number.isInteger(made.slots) && made.slots >= 1))
        throw new RunnerError(
          'E_PLUGIN',
          `${name} ${version} is no executor: what it gives has slots ${made.slots}, and must say how many jobs run at once.`,
        );
      return {
        slots: made.slots,
        run: (job) => made.run(job),
        close: async () => void (await Promise.all([made.close(), here.close()])),
      };
    },
    plugins: [{ name, version }, ...engines],
  };
}
