import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { FromSchema } from 'json-schema-to-ts';
import { codeOf } from '../errors.js';
import { faultsIn } from '../judging/faults.js';
import type { Completing } from './completer.js';
import { ours } from './declared.js';
import { type Complain, complainAt } from './grid.js';
import { isSound, type Judged } from './judge.js';
import { displayPath } from './problem.js';
import { mostSpecBytes, readSpec } from './read-yaml.js';
import type { Resolved } from './resolve.js';
import { schemaOf } from './schema.js';
import { dotted, nearestEntry, toJs } from './tree.js';

const { schedule, student, guidance } = schemaOf(ours).properties;
const text = { type: 'string', minLength: 1 } as const;
const count = { type: 'integer', minimum: 1 } as const;

/** What a file of published figures holds: a table for each dataset and source, a row for each sampler. */
const tables = {
  type: 'array',
  title: 'a list of tables, each with dataset, images, source, nfe and samplers',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['dataset', 'images', 'source', 'nfe', 'samplers'],
    properties: {
      dataset: { ...text, description: 'Name of a dataset.' },
      images: { ...count, description: 'Samples that the figures are of.' },
      source: { ...text, description: 'Where they are published.' },
      nfe: {
        type: 'array',
        items: count,
        description: 'The columns: passes of a sample through the network, guidance’s counted.',
      },
      samplers: {
        type: 'array',
        description: 'The rows.',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name', 'student', 'fid'],
          properties: {
            name: { ...text, description: 'What it is called there.' },
            schedule,
            guidance,
            student: { ...student, required: ['solver'] },
            train: { type: 'boolean', const: false, description: 'Without a predictor.' },
            fid: {
              type: 'array',
              items: { anyOf: [{ type: 'number', minimum: 0 }, { const: null }] },
              description: 'One for each nfe, null where there is none.',
            },
          },
        },
      },
    },
  },
} as const;
type Tables = FromSchema<typeof tables>;
type Row = Tables[number]['samplers'][number];

/**
 * Gives points of an experiment that names a file of published figures those of the first sampler in it whose dataset
 * and keys are the point's, where there is one. Complains where the file can't be read, or of what is wrong in it.
 */
export function publishedReader(
  { specFolder, cwd, find }: Completing,
  complain: Complain,
): (judged: Judged) => Promise<(point: Resolved) => Resolved> {
  const known = new Map<string, Promise<Tables | string>>();
  const asIs = (point: Resolved) => point;
  return async ({ tree, spec: { dataset, published }, bad }) => {
    if (published === undefined || !isSound(['published', 'dataset'], bad)) return asIs;
    const file = resolve(specFolder, published);
    const found = await (known.get(file) ??
      known.set(file, readTables(file, { cwd, find }, complain)).get(file)!);
    if (typeof found === 'string') {
      complainAt(tree, complain)('published', `${displayPath(file, cwd)} ${found}.`);
      return asIs;
    }
    // figures are of its own network and its own real images
    const { keys } = dataset.entry ?? {};
    const isWhole = (['checkpoint', 'reference_data', 'feature_network'] as const).every(
      (key) => dataset[key] === keys?.[key],
    );
    return (point) => {
      for (const { samplers, nfe, images, source } of found.filter(
        (table) => isWhole && table.dataset === dataset.entry?.name,
      )) {
        const row = samplers.find((one) => isOf(one, point));
        if (!row) continue;
        const fid = nfe.flatMap((passes, i) => (row.fid[i] == null ? [] : [[passes, row.fid[i]]]));
        const figures = { name: row.name, source, images, fid: Object.fromEntries(fid) };
        return { ...point, published: figures };
      }
      return point;
    };
  };
}

/** Whether a point is the sampler of a row, by all that the row says, and as plain as it is where it says nothing. */
function isOf(row: Row, { sampler, table, guidance, train, fit, predictor }: Resolved): boolean {
  const { method, schedule, afs, denoiseToZero } = sampler;
  const agrees = (told: object | undefined, found: object) =>
    Object.entries(told ?? {}).every(([key, value]) => (found as Record<string, unknown>)[key] === value);
  if (fit) return false; // nobody published what is fitted here
  const isPlain = train === false && predictor === undefined;
  const asPlain = isPlain && { afs: false, denoise_to_zero: false };
  return (
    table === undefined &&
    isPlain === (row.train === false) &&
    agrees({ ...asPlain, ...row.student }, { ...method, afs, denoise_to_zero: denoiseToZero }) &&
    agrees(row.schedule, schedule) &&
    agrees(row.guidance, guidance ?? {})
  );
}

/** The tables of a file, or why there are none; complains of what is wrong in them at its place. */
async function readTables(
  file: string,
  { cwd, find }: Pick<Completing, 'cwd' | 'find'>,
  complain: Complain,
): Promise<Tables | string> {
  let yaml: string;
  try {
    const stats = await stat(file);
    if (!stats.isFile()) return 'is no file: name a YAML file of published figures';
    if (stats.size > mostSpecBytes) return `has ${stats.size} bytes, far more than published figures take`;
    yaml = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        return 'is not there; the path is relative to the spec';
      case 'ERR_ENCODING_INVALID_ENCODED_DATA':
        return 'is no text (UTF-8): name a YAML file of published figures';
      case undefined:
        throw error;
      default:
        return `can't be read: ${(error as Error).message}`;
    }
  }
  const { tree, problems } = readSpec(yaml, displayPath(file, cwd));
  if (tree === undefined || problems.length > 0)
    return `is no YAML: ${problems[0]!.sentence.replace(/\.$/, '')}`;
  const faults = faultsIn(toJs(tree), tables);
  for (const { path, sentence } of faults)
    complain(nearestEntry(tree, path).value.place, dotted(tree, path), sentence);
  const read = toJs(tree) as Tables;
  const unknown = faults.length > 0 ? [] : read.map(({ dataset }) => find(dataset));
  for (const [i, why] of unknown.entries()) {
    if (typeof why !== 'string') continue;
    const path = [String(i), 'dataset'];
    complain(nearestEntry(tree, path).value.place, dotted(tree, path), why);
  }
  if (faults.length > 0 || unknown.some((one) => typeof one === 'string'))
    return 'holds no published figures, as said at its places';
  const uneven = read.flatMap(({ nfe, samplers }) => samplers.filter(({ fid }) => fid.length !== nfe.length));
  return uneven.length > 0
    ? `has ${uneven[0]!.fid.length} figures of ${uneven[0]!.name}, which is another number than its table's nfe`
    : read;
}
