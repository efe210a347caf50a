import { describe, expect, it } from 'vitest';
import { solve, solveSync } from '../drive/solve.js';
import { SolverError } from '../solver-error.js';
import { deis } from './deis.js';
import { dpm } from './dpm.js';
import { dpmpp } from './dpmpp.js';
import { ipndm } from './ipndm.js';
import { ipndmV } from './ipndm-v.js';
import { unipc } from './unipc.js';

describe('options of plain JavaScript', () => {
  const methods: [string, (options: never) => unknown][] = [
    ['dpm', dpm],
    ['dpmpp', dpmpp],
    ['unipc', unipc],
    ['ipndm', ipndm],
    ['ipndm_v', ipndmV],
    ['deis', deis],
  ];
  it.each(methods)('%s has only its own, each of its type', (name, make) => {
    const refused = (options: unknown, message: RegExp) => {
      expect(() => make(options as never)).toThrow(SolverError);
      expect(() => make(options as never)).toThrow(message);
    };
    refused({ max_order: 2 }, new RegExp(`^${name} has no option max_order; it has \\w+`));
    refused(3, new RegExp(`^${name} takes its options as a map, of .*; found 3`));
    refused(null, /found null/);
    refused(name === 'dpm' ? { r: '0.5' } : { maxOrder: '2' }, /must be a number; found "/);
    expect(make({} as never)).toMatchObject({ name });
  });
});

describe('a solve of plain JavaScript', () => {
  const given = { solver: dpmpp(), x: [1], n: 1, sigmas: [2, 1], denoise: () => ({ denoised: [0] }) };
  it.each([
    [undefined, /a solve is a map of solver, denoise, .*; found undefined/],
    ['dpmpp', /a solve is a map of .*; found "dpmpp"/],
    [{ ...given, solver: 'dpmpp' }, /solver of a solve is a solver, as dpmpp\(\) makes one; found "dpmpp"/],
    [{ ...given, denoise: undefined }, /denoise of a solve is a function of a request; found undefined/],
    [{ ...given, denoise_to_zero: true }, /a solve takes solver, .*; found "denoise_to_zero"/],
    [{ ...given, afs: 1 }, /afs of a solve is true or false; found 1/],
    [{ ...given, keep: 'first' }, /keep of a solve is 'last', 'all' or a function of a point; found "first"/],
    [{ ...given, sigmas: 80 }, /sigmas of a solve is a list of noise levels; found 80/],
  ])('is refused: %j', async (what, message) => {
    await expect(solve(what as never)).rejects.toThrow(message);
    expect(() => solveSync(what as never)).toThrow(SolverError);
  });
});
