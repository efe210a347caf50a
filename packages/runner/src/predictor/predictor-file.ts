import {
  parseOfficialPredictor,
  readSafetensors,
  readSafetensorsMetadata,
  writeSafetensors,
} from '@fewstep/models';
import type { Predictor, Weight, Weights } from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import { shown } from '../judging/shown.js';
import { officialSettings } from './official-settings.js';
import type { TablePredictorSettings, TrainingSettings } from './predictor-settings.js';

const sections = ['schedule', 'student', 'teacher', 'dataset', 'train'] as const;
/** Sections of those that were trained under guidance. */
const allSections = [...sections, 'guidance'] as const;

/** 0: files that don't tell. Raised with each option that is added to a section, which `addedOptions` then lists. */
export const predictorFormat = 3;

/** That of predictors on top of a table, which the versions before can't read. */
const tableFormat = 4;
const tableSections = ['student', 'teacher', 'teacher.schedule', 'dataset', 'train'] as const;

/** An option that files up to a format have not, and what they were trained with in its time. */
export interface AddedOption {
  readonly lastWithout: number;
  readonly section: (typeof allSections)[number];
  readonly option: string;
  readonly value: unknown;
  /** Left out: in every such section. */
  readonly isOf?: (section: Section) => boolean;
}
type Section = Readonly<Record<string, unknown>>;

/** Those that predict the image once thresholded it, whatever it was of. */
const thresholded = {
  lastWithout: 1,
  option: 'thresholding',
  value: 'dynamic',
  isOf: ({ solver, predict_x0 }: Section) =>
    predict_x0 === true && (solver === 'dpmpp' || solver === 'unipc'),
} as const;
const addedOptions: readonly AddedOption[] = [
  { section: 'student', ...thresholded },
  { section: 'teacher', ...thresholded },
];

/**
 * A predictor as a safetensors file: weights under their official names, and as metadata the sections of the spec that
 * trained it, JSON each: `student: {"solver":"amed",…}`; and the `format` that says which options there were.
 */
export function formatPredictor(
  { weights }: Pick<Predictor, 'weights'>,
  settings: TrainingSettings,
): Uint8Array {
  return fileOf(
    weights,
    Object.fromEntries(allSections.map((name) => [name, settings[name]])),
    predictorFormat,
  );
}

/** The same of a predictor on top of a table: `sampler` is the text of its file. */
export function formatTablePredictor(
  { weights }: Pick<Predictor, 'weights'>,
  { sampler, teacher: { schedule, ...teacher }, ...sections }: TablePredictorSettings,
): Uint8Array {
  return fileOf(weights, { ...sections, teacher, 'teacher.schedule': schedule }, tableFormat, { sampler });
}

function fileOf(
  weights: Weights,
  told: Readonly<Record<string, object | undefined>>,
  format: number,
  texts: Readonly<Record<string, string>> = {},
): Uint8Array {
  const tensors = Object.entries(weights).map(([name, { shape, data }]) => [
    name,
    { dtype: 'F32', shape, data },
  ]);
  const metadata = Object.entries(told).flatMap(([name, section]) =>
    section === undefined ? [] : [[name, JSON.stringify(section)]],
  );
  return writeSafetensors(Object.fromEntries(tensors), {
    ...Object.fromEntries(metadata),
    ...texts,
    format: String(format),
  });
}

/** A predictor's file, its settings as it has them. */
export interface PredictorFile {
  /** Text of the table that it steers, of one on top of a table. */
  readonly sampler?: string;
  /** Name of what it was trained on; left out where the file doesn't tell, as up to format 2 and of data without one. */
  readonly dataset?: string;
  readonly settings: Readonly<Record<string, object>>;
  readonly weights: Weights;
}

/**
 * Reads a predictor that a run wrote, or one of the official training (.pkl, .pt): by what the file holds, not by its name.
 * Whether its settings are those of something that can be sampled is for `parsePredictor` to say.
 *
 * @throws RunnerError E_PREDICTOR, PredictorError E_PREDICTOR or ModelError: what is wrong with the file
 */
export async function readPredictor(bytes: Uint8Array): Promise<PredictorFile> {
  return isSafetensors(bytes) ? readOurs(bytes) : readOfficial(bytes);
}

/** A safetensors file has its header's length, far below 2^32, then JSON; a pickle of that start would be nonsense. */
const isSafetensors = (bytes: Uint8Array) =>
  bytes[8] === '{'.charCodeAt(0) && bytes.subarray(4, 8).every((byte) => byte === 0);

async function readOfficial(bytes: Uint8Array): Promise<PredictorFile> {
  const { settings, weights } = await parseOfficialPredictor(bytes);
  const { dataset_name: dataset } = settings;
  return { ...(dataset !== null && { dataset }), settings: officialSettings(settings), weights };
}

function readOurs(bytes: Uint8Array): PredictorFile {
  const { format: told = '0', sampler, ...metadata } = readSafetensorsMetadata(bytes);
  const [newest, needed, known]: readonly [number, readonly string[], readonly string[]] =
    sampler === undefined
      ? [predictorFormat, sections, allSections]
      : [tableFormat, tableSections, tableSections];
  const format = /^\d{1,6}$/.test(told) ? Number(told) : Number.NaN;
  if (!(format <= newest))
    throw fault(
      `it is of format ${JSON.stringify(told)}, and this version reads up to ${newest}: sample with the version that wrote it, or a newer one`,
      { format: told },
    );
  const strange = Object.keys(metadata).filter((name) => !known.includes(name));
  const missing = needed.filter((name) => !Object.hasOwn(metadata, name));
  if (strange.length + missing.length > 0)
    throw fault(
      `the metadata of a predictor is ${needed.join(', ')}; this file has ${[
        ...(missing.length > 0 ? [`no ${missing.join(', no ')}`] : []),
        ...(strange.length > 0 ? [`${strange.map((name) => JSON.stringify(name)).join(', ')} too`] : []),
      ].join(', and ')}. Was it written by a run of this version?`,
      { missing, strange },
    );
  const settings = Object.fromEntries(
    Object.entries(metadata).map(([name, text]) => [name, parseSection(name, text)]),
  );
  const weights: Record<string, Weight> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(readSafetensors(bytes))) {
    if (dtype !== 'F32') throw fault(`its weight ${name} is ${dtype}; a predictor has F32`, { name, dtype });
    weights[name] = { shape, data };
  }
  const { name: dataset, ...range } = settings.dataset as Section;
  if (
    dataset !== undefined &&
    !(typeof dataset === 'string' && /^(?:@[\w.~-]{1,100}\/)?[\w~-][\w.~-]{0,99}$/.test(dataset))
  )
    throw fault(
      `its dataset.name is ${shown(dataset)}, and a name is letters, digits and dashes, of a package with its scope before`,
      { dataset },
    );
  return {
    ...(sampler !== undefined && { sampler }),
    ...(dataset !== undefined && { dataset }),
    settings: completed({ ...settings, dataset: range }, format),
    weights,
  };
}

/** The settings of an older file with the options that came after it. */
export function completed(
  settings: Readonly<Record<string, object>>,
  format: number,
  added: readonly AddedOption[] = addedOptions,
): Readonly<Record<string, object>> {
  const whole = { ...settings };
  for (const { lastWithout, section: name, option, value, isOf } of added) {
    const section = whole[name];
    if (format > lastWithout || !section || Object.hasOwn(section, option)) continue;
    if (!isOf || isOf(section as Section)) whole[name] = { ...section, [option]: value };
  }
  return whole;
}

/** A map of scalars and lists of numbers, as every section is. */
function parseSection(name: string, text: string): object {
  let section: unknown;
  try {
    section = JSON.parse(text);
  } catch {
    // said below
  }
  const isFlat = (value: unknown) =>
    typeof value !== 'object' || (Array.isArray(value) && value.every((item) => typeof item === 'number'));
  if (
    typeof section !== 'object' ||
    section === null ||
    Array.isArray(section) ||
    !Object.values(section).every(isFlat)
  )
    throw fault(`its metadata "${name}" is no JSON map of settings`, { name });
  return section;
}

const fault = (message: string, evidence: Record<string, unknown>) =>
  new RunnerError('E_PREDICTOR', message, { evidence });
