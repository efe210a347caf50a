import { execFile } from 'node:child_process';
import { constants, existsSync, readdirSync, statSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { connect as connectPlainly } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { codeOf } from '@fewstep/taskgraph/errors';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { errorOfLines } from '../../errors.js';
import { missingFiles } from '../../experiment/missing-files.js';
import { evaluationsOf, outlook } from '../../graph/outlook.js';
import { roomOf, wrapped } from '../../report/columns.js';
import { packageVersions } from '../../versions.js';
import { modelsFolder, workingFolder } from '../../workspace.js';
import { summing } from '../cache/shown.js';
import { shownPath } from '../reports/output.js';
import { openOwnStore, openWorld, type StoreOptions, storeFolder } from '../run/world.js';
import { type Changes, readExperiments } from '../specs/experiments.js';
import { asMissing } from '../specs/plan.js';
import type { Answer } from '../terminal/answer.js';
import { countOf, grouped, roughSize, roughTime, sizeText } from '../terminal/quantities.js';

export interface DoctorOptions extends StoreOptions, Changes {
  readonly device?: string;
  readonly redis?: string;
}

/** Something that was looked at. */
interface Finding {
  readonly what: string;
  /** Whether it is there and does what it is for. */
  readonly ok: boolean;
  readonly found: string;
  /** How it is had, where it isn't there. */
  readonly remedy?: string;
}

/** No driver takes longer to say that it isn't there. */
const mostProbeMs = 60_000;
const mostConnectMs = 1000;
/** Columns of what stands before a finding. */
const margin = 12;
const usualRedis = 'redis://127.0.0.1:6379';

/**
 * `fewstep doctor [SPEC…]`: what this machine has, and what specs need of it, lack, and how that is had.
 *
 * @throws RunnerError E_LACKS (exit code 1) where a spec, or an option, asks for what is not here
 */
export async function doctor(
  specs: readonly string[],
  options: DoctorOptions,
  answer: Answer,
): Promise<void> {
  const machine: Finding[] = [
    {
      what: 'fewstep',
      ok: true,
      found: `${packageVersions().runner}, Node ${process.version}, ${process.platform} ${process.arch}`,
    },
    memory(),
    ...(await Promise.all([...devicesToProbe(options.device).map(device), redis(options.redis)])),
    await store(options),
    models(),
  ];
  const needs = [];
  for (const experiment of specs.length > 0 ? await readExperiments(specs, options) : []) {
    const world = await openWorld(options, specs[0]);
    const { prospects, kinds } = await outlook(experiment, world);
    const missing = missingFiles(experiment).map(asMissing);
    const toCompute = kinds.reduce((sum, kind) => sum + kind.toCompute, 0);
    const timed = kinds.filter((kind) => kind.toCompute > 0);
    const sumOf = (what: 'seconds' | 'bytes') =>
      timed.every((kind) => kind[what] !== undefined)
        ? timed.reduce((sum, kind) => sum + kind[what]!, 0)
        : undefined;
    const networks = new Set(experiment.files.map(({ path }) => path));
    const bytes = [...networks].reduce((sum, path) => sum + (sizeOf(path) ?? 0), 0);
    needs.push({
      name: experiment.name,
      points: experiment.points.length,
      toCompute,
      evaluations: evaluationsOf({ prospects }),
      seconds: sumOf('seconds'),
      bytes: sumOf('bytes'),
      /** Of the files that it reads and that are here: networks take at least so much memory. */
      files: bytes,
      missing,
    });
  }
  answer.object({ machine, needs });
  const { isTTY, columns } = process.stdout;
  const room = isTTY ? roomOf({ columns }) - margin : Infinity;
  const line = (what: string, text: string) => {
    for (const [i, part] of wrapped(text, room).entries())
      answer.line((i === 0 ? what : '').padEnd(margin) + part);
  };
  for (const { what, ok, found, remedy } of machine)
    line(what, `${ok ? '' : 'no: '}${found}${remedy === undefined ? '' : `. ${remedy}`}`);
  const free = await roomAt(storeFolder(options.store));
  const lacks: string[] = machine.flatMap(({ what, ok, found, remedy }) =>
    !ok && (what === options.device || (what === 'redis' && options.redis !== undefined))
      ? [`${what}: ${found}${remedy === undefined ? '' : `. ${remedy}`}`]
      : [],
  );
  for (const one of needs) {
    const time =
      one.seconds === undefined
        ? 'of which nothing here tells the time yet'
        : `about ${roughTime(one.seconds)}`;
    const size = one.bytes === undefined ? '' : `, ${roughSize(one.bytes)} of results`;
    answer.line('');
    answer.line(`${one.name}: ${countOf(one.points, 'point')}`);
    line(
      '  computes',
      `${countOf(one.toCompute, 'task')}, ${grouped(one.evaluations)} evaluations, ${time}${size}`,
    );
    if (one.files > 0)
      line('  files', `${sizeText(one.files)} are here, and networks take at least as much memory`);
    const lacking = [
      ...one.missing.map(({ role, file, how }) => [`${role} ${file}`, how] as const),
      ...(one.files > process.availableMemory()
        ? [['memory', `${sizeText(process.availableMemory())} are free: end what takes the rest`] as const]
        : []),
      ...((one.bytes ?? 0) > free
        ? [['room on the disk', `${sizeText(free)} are free: fewstep cache gc makes some`] as const]
        : []),
    ];
    for (const [what, how] of lacking) line('  lacks', `${what}: ${how}`);
    if (lacking.length > 0) lacks.push(`${one.name} lacks ${lacking.map(([what]) => what).join(', ')}`);
    else line('  lacks', 'nothing');
  }
  if (lacks.length > 0) throw errorOfLines('E_LACKS', lacks, { exitCode: 1 });
}

function memory(): Finding {
  const free = process.availableMemory();
  const found = `${sizeText(free)} of ${sizeText(totalmem())} memory are free, ${countOf(availableParallelism(), 'core')}`;
  const isLittle = free < 2 ** 29;
  return {
    what: 'memory',
    ok: !isLittle,
    found,
    ...(isLittle && { remedy: 'A small network takes some 0.5 GB: end what takes the rest' }),
  };
}

/** Those that may be on any machine, what is asked for, and engines that are installed. */
function devicesToProbe(asked: string | undefined): string[] {
  return [
    ...new Set(['cpu', 'cuda', 'webgpu', ...installedEngines(), ...(asked === undefined ? [] : [asked])]),
  ];
}

/** Names of engines that lie where they are looked for. */
function installedEngines(): string[] {
  const names = new Set<string>();
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder of [workingFolder(), here])
    for (let above = ''; above !== folder; folder = dirname((above = folder)))
      for (const name of namesIn(join(folder, 'node_modules', '@fewstep')))
        if (name.startsWith('engine-')) names.add(name.slice('engine-'.length));
  return [...names].sort();
}
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function device(word: string): Promise<Finding> {
  const probe = fileURLToPath(new URL('probe.js', import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [probe, word], { timeout: mostProbeMs }, (error, said) => {
      const problem = error ? `its process ended (${error.signal ?? error.code})` : said.trim();
      resolve(
        problem === ''
          ? { what: word, ok: true, found: `--device ${word} computes` }
          : { what: word, ok: false, found: problem.replace(/\.$/, '') },
      );
    });
  });
}

/** Whether a Redis answers, as grids on many machines need one. */
async function redis(told: string | undefined): Promise<Finding> {
  const address = told ?? usualRedis;
  const shown = withoutSecrets(address);
  const problem = await pinged(address).catch((error: Error) => error.message);
  const what = 'redis';
  if (problem === undefined) return { what, ok: true, found: `one answers at ${shown}` };
  return {
    what,
    ok: false,
    found: `none answers at ${shown} (${withoutSecrets(problem)})`,
    remedy: `Only grids on many machines need one: --redis URL, with @fewstep/executor-bullmq`,
  };
}

/** What is wrong with a Redis, by a PING; one that wants a password first is there, too. */
async function pinged(address: string): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== 'redis:' && protocol !== 'rediss:') return 'an address is as redis://HOST:PORT';
  const to = { host: hostname, port: Number(port || 6379) };
  const socket =
    protocol === 'rediss:' ? connectSecurely({ ...to, servername: hostname }) : connectPlainly(to);
  return new Promise((resolve) => {
    const end = (problem?: string) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(mostConnectMs, () => end('no answer'));
    socket.on('error', (error) => end(codeOf(error) ?? error.message));
    socket.on('data', (data) =>
      end(/^[+-](?:PONG|NOAUTH)/.test(data.toString()) ? undefined : 'it is no Redis'),
    );
    socket.write('PING\r\n');
  });
}

/** The store as it is; none is made. */
async function store(options: StoreOptions): Promise<Finding> {
  const folder = storeFolder(options.store);
  const what = 'store';
  const room = `${sizeText(await roomAt(folder))} free on its disk`;
  if (!existsSync(folder))
    return { what, ok: true, found: `${shownPath(folder)}, which the first run makes, ${room}` };
  try {
    await access(folder, constants.W_OK);
    const opened = await openOwnStore(options);
    const total = summing();
    for await (const entry of opened.entries()) total.add(entry);
    const { results, bytes } = total.sum;
    const pins = (await opened.pins()).length;
    return {
      what,
      ok: true,
      found: `${shownPath(folder)}: ${countOf(results, 'result')}, ${sizeText(bytes)}, ${countOf(pins, 'pin')}; ${room}. fewstep cache verify reads all of it`,
    };
  } catch (error) {
    return {
      what,
      ok: false,
      found: `${shownPath(folder)} can't be used (${codeOf(error) ?? (error as Error).message})`,
      remedy: 'Name another with --store or $FEWSTEP_STORE',
    };
  }
}

function models(): Finding {
  const folder = modelsFolder();
  const files = namesIn(folder).length;
  return {
    what: 'models',
    ok: true,
    found: `${shownPath(folder)}: ${files === 0 ? 'no files yet' : countOf(files, 'file')}. fewstep models list tells which are known`,
  };
}

/** Free bytes of the disk that a folder is on, or would be. */
async function roomAt(folder: string): Promise<number> {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const { bavail, bsize } = await statfs(at);
  return bavail * bsize;
}

const sizeOf = (path: string): number | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.size : undefined;
};
