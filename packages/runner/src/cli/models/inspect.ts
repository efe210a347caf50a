import { resolve } from 'node:path';
import { type Inspection, inspectCheckpoint } from '@fewstep/models';
import { RunnerError } from '../../errors.js';
import { samplerIn } from '../../experiment/given-sampler.js';
import { ourLanguage } from '../../experiment/language.js';
import { inspectOnnxFolder } from '../../experiment/onnx-folder.js';
import { trainedPredictorIn } from '../../experiment/trained-predictor.js';
import type { TrainedPredictor } from '../../predictor/parse-predictor.js';
import { workingFolder } from '../../workspace.js';
import { listOf } from '../samplers/predictors-show.js';
import type { Answer } from '../terminal/answer.js';
import { networkTold } from './network-told.js';
import { pathOrNamed } from './registry-files.js';

/**
 * `fewstep models inspect FILE`: what a file of weights is, by its path or its name in the registry, or a folder of a model.
 * Nothing in it is executed. Of a predictor or a table of ours what it was made for.
 *
 * @throws RunnerError E_FILE where it isn't there
 */
export async function modelsInspect(
  given: string,
  { network }: { readonly network?: string },
  answer: Answer,
): Promise<void> {
  const told = networkTold(network);
  const file = pathOrNamed(given);
  const folder = inspectOnnxFolder(file);
  if (folder) {
    if (network !== undefined)
      throw new RunnerError(
        'E_USAGE',
        `${file}: a folder of ONNX files says how its network is a denoiser; leave --network out.`,
      );
    const parts: Record<string, Inspection> = {};
    for (const part of folder.parts) parts[part] = await inspectCheckpoint(part);
    const { options, sources, problem } = folder;
    const found = {
      format: 'folder of ONNX files',
      options,
      sources,
      ...(problem !== undefined && { problem }),
    };
    answer.object({ file, ...found, parts });
    answer.line(`${file}: a folder of ONNX files`);
    for (const line of settings(found)) answer.line(line);
    for (const [part, one] of Object.entries(parts)) for (const line of lines(part, one)) answer.line(line);
    return;
  }
  // an index of shards is JSON, too
  if (file.endsWith('.json') && typeof (await samplerIn(resolve(workingFolder(), file), file)) !== 'string') {
    const { samplersShow } = await import('../samplers/show.js');
    return samplersShow(file, {}, answer);
  }
  const inspection = await inspectCheckpoint(file, told);
  const trained = inspection.family === undefined && (await ourPredictor(file));
  if (trained) {
    const { dataset, settings, onTable } = trained;
    const of = { ...(dataset !== undefined && { trained_on: dataset }), settings };
    answer.object({ file, ...inspection, family: 'predictor', ...of });
    const steers = onTable ? ` on top of a table of ${onTable.sampler.table.sigmas.length} evaluations` : '';
    answer.line(`${file}: a predictor${steers}${dataset === undefined ? '' : `, trained on ${dataset}`}`);
    for (const line of factsOf(inspection)) answer.line(line);
    for (const [section, values] of Object.entries(onTable?.settings ?? settings))
      answer.line(`  ${section.padEnd(12)}${listOf(values)}`);
    return answer.line(`  steps       fewstep predictors show ${file}`);
  }
  answer.object({ file, ...inspection });
  for (const line of lines(file, inspection)) answer.line(line);
}

/** What a run of ours left as a predictor; nothing where the file is none. */
async function ourPredictor(file: string): Promise<TrainedPredictor | undefined> {
  if (!file.endsWith('.safetensors')) return undefined;
  const trained = await trainedPredictorIn(resolve(workingFolder(), file), file, ourLanguage);
  return typeof trained === 'string' ? undefined : trained;
}

function familyIn({ family, families, problem, onnx }: Inspection): string {
  // other networks with these names are no use to FID
  if (family === 'inception') return problem ? 'an Inception-v3, but not FID’s' : 'FID’s Inception-v3';
  if (family === 'dinov2') return 'DINOv2';
  if (families) return `${families.join(' or ')}: it doesn’t show which`;
  return family ?? (onnx ? 'an ONNX graph' : 'no known family');
}

const count = (n: number) => n.toLocaleString('en-US');
const MAX_VALUE = 200;
const MAX_LISTED = 32;

function* lines(file: string, found: Inspection): Generator<string> {
  yield `${file}: ${familyIn(found)}`;
  yield* factsOf(found);
  yield* settings(found);
}

function* factsOf(found: Inspection): Generator<string> {
  yield `  format      ${found.format}, ${count(found.bytes)} bytes`;
  if (found.onnx) yield* outline(found.onnx);
  yield `  tensors     ${count(found.tensors)}: ${Object.entries(found.dtypes)
    .map(([dtype, n]) => `${count(n)} ${dtype}`)
    .join(', ')}`;
  yield `  parameters  ${count(found.parameters)}`;
  for (const { name, tensors, parameters } of found.groups)
    yield `    ${name.slice(0, MAX_VALUE)}: ${count(parameters)} in ${count(tensors)} ${tensors === 1 ? 'tensor' : 'tensors'}`;
}

/** What keeps a model from being read, and its options, each with where it is from. */
function* settings(found: Partial<Inspection>): Generator<string> {
  if (found.problem) yield `  problem     ${found.problem.slice(0, 10 * MAX_VALUE)}`;
  const { options = {}, sources = {}, asked = {} } = found;
  const from = (name: string) => (sources[name] === undefined ? '' : ` (${sources[name]})`);
  if (found.wrapper !== undefined) yield `  within      ${found.wrapper.slice(0, MAX_VALUE)}*`;
  if (found.family !== undefined && sources.family !== undefined)
    yield `  family      ${found.family}${from('family')}`;
  if (found.options) yield '  options';
  for (const [name, value] of Object.entries(options))
    yield `    ${name}: ${JSON.stringify(value).slice(0, MAX_VALUE)}${from(name)}`;
  for (const [name, values] of Object.entries(asked))
    yield `    ${name}: ${values.join(' or ')}${from(name)}`;
}

function* outline({
  opsets,
  producer,
  inputs,
  outputs,
  nodes,
  external,
}: NonNullable<Inspection['onnx']>): Generator<string> {
  const versions = Object.entries(opsets).map(([domain, version]) => `${domain} ${version}`);
  yield `  operators   ${versions.join(', ')}, ${count(nodes)} nodes${producer ? `, by ${producer.slice(0, MAX_VALUE)}` : ''}`;
  for (const [name, list] of Object.entries({ inputs, outputs, external }))
    for (const [i, one] of list.slice(0, MAX_LISTED).entries())
      yield `  ${(i === 0 ? name : '').padEnd(12)}${one.slice(0, MAX_VALUE)}`;
}
