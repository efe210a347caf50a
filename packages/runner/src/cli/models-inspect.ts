import { type Inspection, inspectCheckpoint } from '@fewstep/models';
import { print } from './output.js';

/** `fewstep models inspect FILE`: what a file of weights is, from names and shapes. Nothing in it is executed. */
export async function modelsInspect(file: string, options: { readonly json?: boolean }): Promise<void> {
  const inspection = await inspectCheckpoint(file);
  print(options.json ? { file, ...inspection } : [...lines(file, inspection)].join('\n'));
}

const count = (n: number) => n.toLocaleString('en-US');
const MAX_VALUE = 200;

function* lines(file: string, found: Inspection): Generator<string> {
  yield `${file}: ${found.family ?? 'no known family'}`;
  yield `  format      ${found.format}, ${count(found.bytes)} bytes`;
  yield `  tensors     ${count(found.tensors)}: ${Object.entries(found.dtypes)
    .map(([dtype, n]) => `${count(n)} ${dtype}`)
    .join(', ')}`;
  yield `  parameters  ${count(found.parameters)}`;
  for (const { name, tensors, parameters } of found.groups)
    yield `    ${name.slice(0, MAX_VALUE)}: ${count(parameters)} in ${count(tensors)} ${tensors === 1 ? 'tensor' : 'tensors'}`;
  if (found.problem) yield `  problem     ${found.problem.slice(0, 10 * MAX_VALUE)}`;
  if (found.options) yield '  options';
  for (const [name, value] of Object.entries(found.options ?? {}))
    yield `    ${name}: ${JSON.stringify(value).slice(0, MAX_VALUE)}`;
}
