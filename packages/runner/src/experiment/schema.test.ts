import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonSchema } from '../judging/json-schema.js';
import { editorSchemaOf } from './editor-schema.js';
import { ourLanguage } from './language.js';
import { readExperiment } from './read-experiment.js';

const { keys } = ourLanguage;
const specSchema = editorSchemaOf(ourLanguage);
const kept = new URL('../../experiment.schema.json', import.meta.url);
const experiments = fileURLToPath(new URL('../../../../experiments/', import.meta.url));
const specs = readdirSync(experiments).filter((name) => /(?<!^published)\.yaml$/.test(name));

it('is what `fewstep schema` wrote to experiment.schema.json, where editors find it', () => {
  expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual(JSON.parse(JSON.stringify(specSchema)));
});

it('has a sentence for every key', () => {
  const silent = [...keys]
    .filter(([, { description }]: [string, JsonSchema]) => !description)
    .map(([path]) => path);
  expect(silent).toEqual([]);
});

it.each(specs)('leaves an editor nothing to complain of in experiments/%s', (name) => {
  const text = readFileSync(join(experiments, name), 'utf8');
  const validate = new Ajv({ allErrors: true }).compile(specSchema);
  validate(parse(text));
  expect(validate.errors).toBe(null);
  expect(text).toMatch(
    /^# yaml-language-server: \$schema=\.\.\/packages\/runner\/experiment\.schema\.json\n/,
  );
});

it.each([
  ['digits.yaml', ['table', 'AMED-Solver', 'ipndm', 'heun, 35 NFE']],
  [
    'digits-amed.yaml',
    [
      'table',
      'AMED-Solver',
      'AMED-Plugin on dpmpp',
      'euler',
      'heun',
      'dpm',
      'dpmpp',
      'ipndm',
      'heun, 35 NFE',
    ],
  ],
])('%s draws five evaluations with every sampler but the reference', async (name, labels) => {
  const { points } = await readExperiment(join(experiments, name));
  const nfe = points.map(({ label, table, sampler: { evaluations, numSteps, afs, denoiseToZero } }) => [
    label,
    table?.sampler.table.sigmas.length ?? evaluations * (numSteps - 1) - Number(afs) + Number(denoiseToZero),
  ]);
  expect(nfe).toEqual(labels.map((label) => [label, label === 'heun, 35 NFE' ? 35 : 5]));
  expect(points.at(-1)!.sampler).toEqual(points[0]!.reference);
});
