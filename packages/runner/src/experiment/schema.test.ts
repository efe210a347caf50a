import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonSchema } from '../judging/json-schema.js';
import { editorSchemaOf } from './editor-schema.js';
import { ourLanguage } from './language.js';
import { readExperiment } from './read-experiment.js';

const { keys } = ourLanguage;
const specSchema = editorSchemaOf(ourLanguage);
const kept = new URL('../../experiment.schema.json', import.meta.url);
const experiments = fileURLToPath(new URL('../../../../experiments/', import.meta.url));
const specs = readdirSync(experiments).filter((name) => name.endsWith('.yaml'));

it('is what `fewstep schema` wrote to experiment.schema.json, where editors find it', () => {
  expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual(JSON.parse(JSON.stringify(specSchema)));
});

it('has a sentence for every key', () => {
  const silent = [...keys]
    .filter(([, { description }]: [string, JsonSchema]) => !description)
    .map(([path]) => path);
  expect(silent).toEqual([]);
});

describe.each(specs)('experiments/%s', (name) => {
  const file = join(experiments, name);

  it('is valid', async () => {
    const { name: title, points } = await readExperiment(file);
    expect(`${title}.yaml`).toBe(name);
    expect(points.length).toBeGreaterThanOrEqual(4);
  });

  it('has no complaint in an editor', () => {
    const validate = new Ajv({ allErrors: true }).compile(specSchema);
    validate(parse(readFileSync(file, 'utf8')));
    expect(validate.errors).toBe(null);
    expect(readFileSync(file, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/packages\/runner\/experiment\.schema\.json\n/,
    );
  });
});

it('digits.yaml draws five evaluations with every sampler but the reference', async () => {
  const { points } = await readExperiment(join(experiments, 'digits.yaml'));
  const nfe = points.map(({ label, sampler: { method, numSteps, afs, denoiseToZero }, train }) => {
    const perInterval = train || ['heun', 'dpm'].includes(method.solver) ? 2 : 1;
    return [label, perInterval * (numSteps - 1) - Number(afs) + Number(denoiseToZero)];
  });
  expect(Object.fromEntries(nfe)).toEqual({
    'AMED-Solver': 5,
    'AMED-Plugin on dpmpp': 5,
    euler: 5,
    heun: 5,
    dpm: 5,
    dpmpp: 5,
    ipndm: 5,
    'heun, 35 NFE': 35,
  });
  expect(points.at(-1)!.sampler).toEqual(points[0]!.reference);
});
