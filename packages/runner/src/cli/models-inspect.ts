import { type Inspection, inspectCheckpoint } from '@fewstep/models';
import type { Answer } from './answer.js';
import { networkTold } from './network-told.js';

/** `fewstep models inspect FILE`: what a file of weights is, from names and shapes. Nothing in it is executed. */
export async function modelsInspect(
  file: string,
  { network }: { readonly network?: string },
  answer: Answer,
): Promise<void> {
  const inspection = await inspectCheckpoint(file, networkTold(network));
  answer.object({ file, ...inspection });
  for (const line of lines(file, inspection)) answer.line(line);
}

function familyIn({ family, families, problem, onnx }: Inspection): string {
  // other networks with these names are no use to FID
  if (family === 'inception') return problem ? 'an Inception-v3, but not FID’s' : 'FID’s Inception-v3';
  if (families) return `${families.join(' or ')}: it doesn’t show which`;
  return family ?? (onnx ? 'an ONNX graph' : 'no known family');
}

const count = (n: number) => n.toLocaleString('en-US');
const MAX_VALUE = 200;
const MAX_LISTED = 32;

function* lines(file: string, found: Inspection): Generator<string> {
  yield `${file}: ${familyIn(found)}`;
  yield `  format      ${found.format}, ${count(found.bytes)} bytes`;
  if (found.onnx) yield* outline(found.onnx);
  yield `  tensors     ${count(found.tensors)}: ${Object.entries(found.dtypes)
    .map(([dtype, n]) => `${count(n)} ${dtype}`)
    .join(', ')}`;
  yield `  parameters  ${count(found.parameters)}`;
  for (const { name, tensors, parameters } of found.groups)
    yield `    ${name.slice(0, MAX_VALUE)}: ${count(parameters)} in ${count(tensors)} ${tensors === 1 ? 'tensor' : 'tensors'}`;
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
