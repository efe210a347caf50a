import { availableParallelism } from 'node:os';
import type { Device } from '@fewstep/models';
import { type Executor, type Json, localExecutor, type SharedFiles } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import { engineNamed, findPlugin, type Plugin } from '../plugins.js';

/** The module that declares the kinds of an experiment's tasks. */
export const kindsModule = new URL('../tasks/kinds.js', import.meta.url);

interface Slots {
  readonly devices?: readonly Device[] | undefined;
  readonly jobs?: number | undefined;
  readonly threads?: number;
}

/**
 * Runs an experiment's tasks in child processes, `jobs` of them on each device. `devices`: what evaluates networks; the CPU
 * by default. `threads`: of each child; by default they share the cores.
 */
export const experimentExecutor = ({ devices, jobs, threads }: Slots = {}): Executor =>
  localExecutor({
    kinds: kindsModule,
    ...withJson(devices),
    ...(jobs !== undefined && { jobs }),
    ...(threads !== undefined && { threads }),
  });

const withJson = (devices: readonly Device[] | undefined) =>
  devices && { devices: devices as unknown as readonly Json[] };

/** Options of the commands whose tasks evaluate networks. */
export interface ExecutorOptions {
  readonly device?: string;
  readonly jobs?: number;
  readonly executor?: string;
  readonly redis?: string;
}

/** Which executor is asked for, by its plugin's name. @throws RunnerError E_PLUGIN where two are */
export function executorNamed({ executor, redis }: ExecutorOptions): string | undefined {
  if (redis === undefined) return executor;
  if (executor === undefined) return `bullmq:${redis}`;
  throw new RunnerError('E_PLUGIN', '--redis URL stands for --executor bullmq:URL: give one of them.');
}

/** Where a command computes, and by which packages that aren't ours. */
export interface Workplace {
  open(files: SharedFiles, say: (text: string) => void): Promise<Executor>;
  /** An executor of this machine for each kind of device; their children share the cores. */
  each(): { readonly device: Json; readonly executor: Executor }[];
  readonly plugins: readonly Plugin[];
  /** What evaluates networks, as records name it. */
  readonly devices: readonly Json[];
}

/**
 * @param folder where executors are looked for first
 * @throws ModelError E_ENGINE for a word that names no device; RunnerError E_PLUGIN
 */
export async function workplaceOf(options: ExecutorOptions, folder: string): Promise<Workplace> {
  const { device: word, jobs = 1 } = options;
  const devices: readonly Device[] =
    word === undefined ? [{ type: 'cpu' }] : await (await import('@fewstep/models')).parseDevices(word);
  const json = devices as unknown as readonly Json[];
  const names = new Set(devices.flatMap((one) => (one.type === 'engine' ? [one.name] : [])));
  const engines = await Promise.all([...names].map(engineNamed));
  const here = () => experimentExecutor({ devices, jobs });
  const each = () => {
    const threads = Math.max(1, Math.floor(availableParallelism() / (devices.length * jobs)));
    const kindOf = (one: Device) => (one.type === 'engine' ? one.name : one.type);
    return [...new Set(devices.map(kindOf))].map((kind) => {
      const alike = devices.filter((one) => kindOf(one) === kind);
      const device = alike[0] as unknown as Json;
      return { device, executor: experimentExecutor({ devices: alike, jobs, threads }) };
    });
  };
  const named = executorNamed(options);
  if (named === undefined) return { open: async () => here(), each, plugins: engines, devices: json };
  const { open, name, version } = await findPlugin('executor', named, folder);
  return {
    async open(files, say) {
      const own = here();
      const given = { kinds: kindsModule, here: own, devices: json, files, say };
      const made = await open(given).catch(async (error) => {
        await own.close();
        throw error;
      });
      if (!(Number.isInteger(made.slots) && made.slots >= 1))
        throw new RunnerError(
          'E_PLUGIN',
          `${name} ${version} is no executor: what it gives has slots ${made.slots}, and must say how many jobs run at once.`,
        );
      return {
        slots: made.slots,
        ...(made.has && { has: (file) => made.has!(file) }),
        run: (job) => made.run(job),
        close: async () => void (await Promise.all([made.close(), own.close()])),
      };
    },
    each,
    plugins: [{ name, version }, ...engines],
    devices: json,
  };
}
