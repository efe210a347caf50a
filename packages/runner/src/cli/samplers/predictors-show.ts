import { steeringsOfZeros } from '@fewstep/solvers';
import { RunnerError } from '../../errors.js';
import { ourLanguage } from '../../experiment/language.js';
import { trainedPredictorIn } from '../../experiment/trained-predictor.js';
import { findPredictor } from '../../predictor/find-predictor.js';
import type { TrainedPredictor } from '../../predictor/parse-predictor.js';
import type { TrainingSettings } from '../../predictor/predictor-settings.js';
import { type NoiseOf, noiseOf, type PredictorSteps, stepsOf } from '../../predictor/predictor-steps.js';
import { aligned } from '../../report/columns.js';
import { datasetGiven, datasetOf } from '../models/registry-files.js';
import { shownPath } from '../reports/output.js';
import type { Answer } from '../terminal/answer.js';

export interface ShowOptions {
  readonly dataset?: string;
  readonly sigmaMin?: string;
  readonly sigmaMax?: string;
}

/**
 * `fewstep predictors show FILE|NUMBER|NAME`: what a predictor was trained with, and its steps at a bottleneck of zeros, as
 * other samplers can follow them.
 *
 * @throws RunnerError E_PREDICTOR, E_MODELS, E_SCHEDULE, E_USAGE where nothing says on which noise
 */
export async function predictorsShow(told: string, options: ShowOptions, answer: Answer): Promise<void> {
  const path = await findPredictor(told);
  const file = shownPath(path);
  const trained = await trainedPredictorIn(path, file, ourLanguage);
  if (typeof trained === 'string') throw new RunnerError('E_PREDICTOR', trained, { evidence: { path } });
  const { dataset, settings } = trained;
  if (trained.onTable) return showOnTable(file, trained, trained.onTable, options, answer);
  const { noise, from } = noiseFor(trained, options);
  const { sigmaMin: sigma_min, sigmaMax: sigma_max } = noise;
  const steps = stepsOf(trained, noise);
  answer.object({
    file,
    ...(dataset !== undefined && { trained_on: dataset }),
    settings,
    noise: { sigma_min, sigma_max, from },
    ...steps,
  });
  answer.line(`${file}: a predictor${dataset === undefined ? '' : `, trained on ${dataset}`}`);
  for (const [section, values] of Object.entries(settings))
    answer.line(`  ${section.padEnd(10)}${listOf(values)}`);
  answer.line(`  ${'noise'.padEnd(10)}σ from ${sigma_max} to ${sigma_min}, of ${from}`);
  answer.line('');
  answer.line('At a bottleneck of zeros:');
  for (const row of table(steps)) answer.line(row);
}

/** Of one on top of a table, whose noise levels are the table's. */
function showOnTable(
  file: string,
  { dataset, predictor }: TrainedPredictor,
  { sampler: { table, model }, settings }: NonNullable<TrainedPredictor['onTable']>,
  options: ShowOptions,
  answer: Answer,
): void {
  const { dataset: told, sigmaMin, sigmaMax } = options;
  const given = Object.entries({ '--dataset': told, '--sigma-min': sigmaMin, '--sigma-max': sigmaMax });
  const [option] = given.find(([, value]) => value !== undefined) ?? [];
  if (option !== undefined)
    throw usage(`${file} steers a table, which has its noise levels itself: leave out ${option}.`);
  const { sigmas } = table;
  const scales = [1, ...steeringsOfZeros(predictor, sigmas).map(({ scale_time }) => scale_time![0]!)];
  answer.object({
    file,
    ...(dataset !== undefined && { trained_on: dataset }),
    ...{ settings, model, nfe: sigmas.length, sigmas, scale_times: scales },
  });
  answer.line(
    `${file}: a predictor on top of a table of ${sigmas.length} evaluations${dataset === undefined ? '' : `, trained on ${dataset}`}`,
  );
  for (const [section, values] of Object.entries(settings))
    answer.line(`  ${section.padEnd(18)}${listOf(values)}`);
  answer.line('');
  answer.line('At a bottleneck of zeros:');
  const rows = sigmas.map((sigma, k) => [
    String(k),
    String(Number(sigma.toPrecision(6))),
    k === 0 ? '' : scales[k]!.toFixed(4),
  ]);
  for (const row of aligned([['', 'table’s σ', 'scale_time'], ...rows], () => true))
    answer.line(`  ${row.join('  ')}`);
}

/** Values by their keys, on a line. */
export const listOf = (values: object) =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? `[${value.join(', ')}]` : value}`)
    .join(', ');

/** Which noise its steps are of, and who says so: the command, else the predictor's file. */
function noiseFor(
  { dataset: trainedOn, settings }: TrainedPredictor,
  { dataset: told, sigmaMin, sigmaMax }: ShowOptions,
): { readonly noise: NoiseOf; readonly from: string } {
  const own = trainedOn === undefined ? undefined : datasetOf(trainedOn);
  const model = told === undefined ? own : datasetGiven(told);
  const name = model?.name;
  const { dataset: range } = settings as Partial<TrainingSettings>;
  const known = model ? noiseOf(model) : undefined;
  const said = told === undefined ? range : undefined;
  const min = numberOf('--sigma-min', sigmaMin) ?? said?.sigma_min ?? known?.sigmaMin;
  const max = numberOf('--sigma-max', sigmaMax) ?? said?.sigma_max ?? known?.sigmaMax;
  if (min === undefined || max === undefined)
    throw usage(
      `the file does not say on which noise it was trained${trainedOn === undefined ? '' : `, and the registry has no ${trainedOn}`}: tell --dataset, a name that fewstep models list has, or --sigma-min and --sigma-max.`,
    );
  const from =
    sigmaMin !== undefined || sigmaMax !== undefined ? 'the command' : said ? 'its training' : name!;
  const { type } = settings.schedule;
  if (type === 'discrete' && !known?.table)
    throw usage(
      `its schedule is ${type}, in the times of a network's noise table, ${name === undefined ? 'and nothing says which' : `and ${name} has none`}: tell --dataset ms_coco or lsun_bedroom_ldm.`,
    );
  return { noise: { sigmaMin: min, sigmaMax: max, table: known?.table }, from };
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== '' && number > 0 && number < Infinity) return number;
  throw usage(`${option} ${JSON.stringify(text)}: a noise level is a number above 0.`);
}

const usage = (message: string) => new RunnerError('E_USAGE', message);

/** A row for each level; scales have the four digits that the official notebook shows. */
function table({ sigmas, timesteps, scale_dirs, scale_times, r, original }: PredictorSteps): string[] {
  const short = (sigma: number) => String(Number(sigma.toPrecision(6)));
  const columns: readonly (readonly [string, (i: number) => string])[] = [
    ['', (i) => String(i)],
    ['σ', (i) => short(sigmas[i]!)],
    ...(timesteps ? [['time', (i: number) => String(timesteps[i])] as const] : []),
    ['r', (i) => (i % 2 === 1 ? r[(i - 1) / 2]!.toFixed(4) : '')],
    ['scale_dir', (i) => scale_dirs[i]!.toFixed(4)],
    ['scale_time', (i) => scale_times[i]!.toFixed(4)],
    ['schedule’s σ', (i) => short(original.sigmas[i]!)],
    ...(original.timesteps ? [['its time', (i: number) => String(original.timesteps![i])] as const] : []),
  ];
  const rows = sigmas.map((_, i) => columns.map(([, cell]) => cell(i)));
  return aligned([columns.map(([name]) => name), ...rows], () => true).map((row) => `  ${row.join('  ')}`);
}
