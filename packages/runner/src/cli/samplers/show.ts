import { RunnerError } from '../../errors.js';
import { samplerIn } from '../../experiment/given-sampler.js';
import { findSampler } from '../../predictor/find-predictor.js';
import { aligned } from '../../report/columns.js';
import { orderZeroOff } from '../../sampler/order-zero.js';
import { formatSampler, type SamplerFile, type TrainedFeatures } from '../../sampler/sampler-file.js';
import { shownPath } from '../reports/output.js';
import type { Answer } from '../terminal/answer.js';

/**
 * `fewstep samplers show FILE|NAME`: a sampler as a table: what it was made for, how it was trained, and its rows.
 *
 * @throws RunnerError E_SAMPLER
 */
export async function samplersShow(told: string, _options: unknown, answer: Answer): Promise<void> {
  if (/\.(?:pkl|pt|pth|safetensors)$/.test(told))
    throw new RunnerError(
      'E_SAMPLER',
      `${told} is named as a predictor is, which decides for each sample and is no table: fewstep predictors show tells what is in it.`,
    );
  const path = await findSampler(told);
  const file = shownPath(path);
  const sampler = await samplerIn(path, file);
  if (typeof sampler === 'string') throw new RunnerError('E_SAMPLER', sampler, { evidence: { path } });
  const off = orderZeroOff(sampler);
  answer.object({ file, ...JSON.parse(formatSampler(sampler)), order_zero_off: off });
  for (const line of about(file, sampler)) answer.line(line);
  answer.line('');
  answer.line('z is noise of deviation 1, Dk what the network answers to xk, told the noise level σ:');
  for (const row of rowsOf(sampler, off)) answer.line(row);
}

function* about(file: string, sampler: SamplerFile): Generator<string> {
  const { table, model, train, source } = sampler;
  const { nfe, depth } = JSON.parse(formatSampler(sampler)) as { nfe: number; depth: number };
  const parallel = depth < nfe ? `, of which ${depth} wait for another` : '';
  yield `${file}: a sampler of ${nfe} evaluation${nfe === 1 ? '' : 's'}${parallel}${train ? ', trained' : ''}`;
  const line = (name: string, text: string) => `  ${name.padEnd(10)}${text}`;
  const of = model.dataset === undefined ? '' : `${model.dataset}: `;
  const what = model.latents ? 'latents' : 'images';
  yield line(
    'model',
    `${of}${what} of ${model.shape.join(' × ')}, σ from ${model.sigma_max} to ${model.sigma_min}`,
  );
  for (const name of ['schedule', 'student', 'guidance', 'teacher'] as const)
    if (sampler[name]) yield line(name, listOf(sampler[name]));
  if (train) {
    yield line(
      'train',
      `${train.images} images (seeds ${train.seeds}), ${train.validation} to choose by (seeds ${train.validation_seeds}), ${train.rounds} rounds, seed ${train.seed}, loss ${train.loss}${train.contrast ? `, contrast ${train.contrast}` : ''}${train.match_energy ? ', the teacher’s energy' : ''}${train.uses_metric_features && !train.features ? ', on features of a network that metrics compare by' : ''}`,
    );
    if (train.features) yield line('features', featuresText(train.features));
    yield line(
      'calls',
      `${train.calls} samples through the network, ${train.teacher_calls} of them the teacher’s`,
    );
    yield line(
      'rmse',
      `${short(train.rmse[0])} before, ${short(train.rmse[1])} after, of what it was chosen by`,
    );
  }
  if (table.bands)
    yield line(
      'bands',
      `${table.bands.edges.length + 1} of spatial frequency, cut at ${table.bands.edges.join(', ')}`,
    );
  if (source !== undefined) yield line('source', source);
}

const featuresText = ({ network, sha256, resize, weight }: TrainedFeatures): string =>
  `${network} (SHA-256 ${sha256})${resize === undefined ? '' : `, images resized as by ${resize}`}, weight ${weight} beside pixels; a score by this network is flattered`;

const listOf = (values: object): string =>
  Object.entries(values)
    .map(([key, value]) => {
      if (Array.isArray(value)) return `${key} [${value.join(', ')}]`;
      return typeof value === 'object' ? `${key} { ${listOf(value)} }` : `${key} ${value}`;
    })
    .join(', ');

/** Four digits. */
const short = (value: number): string => String(Number(value.toPrecision(4)));

/** A line for each row, or for each band of it: what is made, of what, told which noise level, and how far it is off. */
function rowsOf({ table: { sigmas, rows } }: SamplerFile, off: readonly number[]): string[] {
  const lines = rows.flatMap((row, k) => {
    const parts = row.length / (k + 1);
    return Array.from({ length: parts }, (_, band) => {
      const name = k < sigmas.length ? `x${k}` : 'sample';
      const own = row.filter((_, i) => i % parts === band);
      return [
        parts > 1 ? `${name}, band ${band + 1}` : name,
        `= ${sumOf(own)}`,
        band === 0 && k < sigmas.length ? short(sigmas[k]!) : '',
        band === 0 ? off[k]!.toFixed(4) : '',
      ];
    });
  });
  const heads = ['', '', 'σ', 'off of order 0'];
  return aligned([heads, ...lines], (column) => column > 1).map((row) => `  ${row.join('  ')}`.trimEnd());
}

function sumOf([noise, ...answers]: readonly number[]): string {
  const terms = [{ weight: noise!, of: 'z' }, ...answers.map((weight, j) => ({ weight, of: `D${j}` }))];
  const shown = terms.filter(({ weight }) => weight !== 0);
  if (shown.length === 0) return '0';
  return shown
    .map(({ weight, of }, i) => {
      const sign = weight < 0 ? '−' : '+';
      const size = `${short(Math.abs(weight))} ${of}`;
      if (i > 0) return `${sign} ${size}`;
      return weight < 0 ? `−${size}` : size;
    })
    .join(' ');
}
