import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ours } from '../experiment/declared.js';
import { schemaOf } from '../experiment/schema.js';
import { faultsIn } from './faults.js';
import { keysIn } from './json-schema.js';

const schema = schemaOf(ours);
const keys = keysIn(schema);
const isValid = new Ajv({ strict: false }).compile(schema);

const spec = {
  name: 'any',
  dataset: { checkpoint: 'a.onnx', network: { num_heads: 2 }, onnx: { parametrization: 'edm' } },
  schedule: { type: 'explicit', sigmas: [3, 2, 1] },
  guidance: { type: 'cfg', prompt: ['a', 'b'] },
  teacher: { solver: 'dpm', M: 2 },
  student: { solver: 'amed', num_steps: 4, afs: true },
  train: { lr: 0.1 },
  sample: { seeds: '0-3', grid: '2x2', classes: [1, 2] },
  reference: { solver: 'heun', num_steps: 18, schedule: { type: 'polynomial', rho: 7 } },
  evaluate: ['fid', 'kid'],
};

/** A spec with something else at one of its paths; undefined: nothing. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone(spec) as Record<string, unknown>;
  const steps = path.split('.');
  let at = copy;
  for (const step of steps.slice(0, -1)) {
    if (typeof at[step] !== 'object') at[step] = {};
    at = at[step] as Record<string, unknown>;
  }
  if (value === undefined) delete at[steps.at(-1)!];
  else at[steps.at(-1)!] = value;
  return copy;
}

const words = ['', 'digits', 'random', 'euler', '0-9', '8x8', 'cg', 'linear', 'fid', 'no name!'];
const numbers = [-1, 0, 0.5, 1, 2, 1.5, 100, 1001, 1002, 65_536, 4294967296, 1e300];
const simple = fc.constantFrom(undefined, null, true, false, ...words, ...numbers);
const value = fc.oneof(simple, fc.array(simple, { maxLength: 3 }), fc.dictionary(fc.string(), simple));

it('refuses what a validator of JSON Schema refuses, and nothing else', () => {
  expect(faultsIn(spec, schema, keys)).toEqual([]);
  const seen = { valid: 0, invalid: 0 };
  const paths = fc.constantFrom(...keys.keys(), 'nothing', 'sample.nothing');
  fc.assert(
    fc.property(paths, value, (path, put) => {
      const one = JSON.parse(JSON.stringify(changed(path, put)));
      const valid = isValid(one);
      expect(faultsIn(one, schema, keys).length === 0).toBe(valid);
      seen[valid ? 'valid' : 'invalid']++;
    }),
    { numRuns: 3000 },
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(100);
});
