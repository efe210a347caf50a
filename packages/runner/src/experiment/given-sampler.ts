import type { SamplerFile } from '../sampler/sampler-file.js';
import { type Completed, completer, readBounded, type ToldByFile } from './completer.js';
import type { Surroundings } from './datasets.js';
import type { Point } from './experiment.js';
import type { Combination, Complain } from './grid.js';
import { type Entry, flatten } from './tree.js';

/** What the file of a table says of what is sampled with it, and the whole of it. */
interface GivenSampler extends ToldByFile {
  readonly sampler: SamplerFile;
}

/**
 * Lays what the file of `sampler` says beneath what is written, as `completer` does: a table is sampled with as it is, so that
 * of `schedule` and `student` nothing else may be written, and whether they are such as a spec may have is nobody's question.
 * At which rate it is guided may be another than it was made at.
 */
export function samplerCompleter(
  surroundings: Pick<Surroundings, 'specFolder' | 'cwd'>,
  complain: Complain,
): (combination: Combination) => Promise<Completed & Pick<Point, 'table'>> {
  const complete = completer<GivenSampler>(surroundings, complain, {
    key: 'sampler',
    made: 'made',
    does: 'sample',
    read: readGiven,
    saysAll: () => false,
    leavesOpen: () => false,
    mayDiffer: (key) => key === 'guidance.rate',
  });
  return async (combination) => {
    const { tree } = combination;
    const predictor = tree.entries.get('predictor');
    if (predictor && tree.entries.has('sampler')) {
      complain(
        predictor.value.place,
        'predictor',
        'predictor and sampler both say what is sampled with: remove one.',
      );
      return {
        ...combination,
        doubtful: new Set(['predictor', 'sampler', 'schedule', 'student', 'dataset']),
      };
    }
    const { told, ...completed } = await complete(combination);
    if (!told) return completed;
    const { absolute, file, read } = told;
    for (const section of ['schedule', 'student'] as const) {
      const entry: Entry | undefined = tree.entries.get(section);
      for (const [key, { value }] of entry ? flatten(entry, '') : [])
        if (!Object.hasOwn(read.settings[section], key))
          complain(
            value.place,
            key === '' ? section : `${section}.${key}`,
            `nothing reads it: ${file} is a table, which is sampled with as it is. Remove it.`,
          );
    }
    return {
      ...completed,
      doubtful: new Set([...completed.doubtful, 'schedule', 'student']),
      table: { file: absolute, sampler: read.sampler },
    };
  };
}

async function readGiven(absolute: string, file: string): Promise<GivenSampler | string> {
  const sampler = await samplerIn(absolute, file);
  if (typeof sampler === 'string') return sampler;
  const { model, schedule, student, guidance } = sampler;
  return {
    ...(model.dataset !== undefined && { dataset: model.dataset }),
    settings: { schedule, student, ...(guidance && { guidance }) },
    sampler,
  };
}

/** The sampler of a file, or why it is none. `file`: as it is called in messages. */
export async function samplerIn(absolute: string, file: string): Promise<SamplerFile | string> {
  // what looks at tables is loaded only for a spec that names one
  const { mostBytes, parseSampler } = await import('../sampler/sampler-file.js');
  return readBounded(absolute, file, {
    noun: 'sampler',
    names: 'a sampler.json',
    mostBytes,
    parse: (bytes) => parseSampler(new TextDecoder('utf-8', { fatal: true }).decode(bytes)),
  });
}
