import { isDeepStrictEqual } from 'node:util';
import { MetricsError } from '@fewstep/metrics';
import { ModelError } from '@fewstep/models';
import { PredictorError } from '@fewstep/solvers';
import { TaskgraphError } from '@fewstep/taskgraph';
import { mutantOf } from './mutate.js';
import type { Arrays, FuzzedReader } from './readers.js';

/** Processor time that no file of a few kilobytes may take, in microseconds. */
const SLOW = 4e6;

/** Errors of the packages, with a code and evidence. */
const ours = [ModelError, MetricsError, TaskgraphError, PredictorError];

/** `refused` with an error of ours, `read`, or what is wrong with how the file was answered. */
export type Verdict = 'refused' | 'read' | { readonly wrong: string };

/** Reads a mutant of the reader's file. The same number gives the same mutant. */
export async function judge(reader: FuzzedReader, number: number, folder: string): Promise<Verdict> {
  const { bytes, cut } = mutantOf(reader.original, number);
  const started = process.cpuUsage();
  let arrays: Arrays;
  try {
    arrays = await reader.read(bytes, folder);
  } catch (error) {
    if (ours.some((kind) => error instanceof kind)) return inTime('refused', started);
    return { wrong: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  if (cut && reader.guards !== 'nothing')
    return { wrong: `${bytes.length} of ${reader.original.length} bytes were read as a whole file` };
  for (const [name, { shape, data }] of Object.entries(arrays))
    if (data.length !== shape.reduce((product, n) => product * n, 1))
      return { wrong: `"${name}" [${shape}] has ${data.length} elements` };
  if (reader.guards === 'everything' || reader.guards === 'values') {
    const original = await reader.read(reader.original, folder);
    const same = Object.entries(arrays).filter(
      ([name]) => name in original || reader.guards === 'everything',
    );
    if (
      same.some(([name, array]) => !isDeepStrictEqual(array, original[name])) ||
      (reader.guards === 'everything' && same.length < Object.keys(original).length)
    )
      return { wrong: 'other values than the original’s were read' };
  }
  return inTime('read', started);
}

function inTime(verdict: Verdict, started: NodeJS.CpuUsage): Verdict {
  const { user, system } = process.cpuUsage(started);
  return user + system < SLOW ? verdict : { wrong: `it took ${(user + system) / 1e6} s` };
}
