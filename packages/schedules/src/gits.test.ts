import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GitsSearch, gits } from './gits.js';

/** Every way to keep `numSteps` of N levels, the first and the last included. */
function* schedules(N: number, numSteps: number, from = 0): Generator<number[]> {
  if (numSteps === 2) yield [from, N - 1];
  else
    for (let j = from + 1; j <= N - numSteps + 1; j++)
      for (const rest of schedules(N, numSteps - 1, j)) yield [from, ...rest];
}

const costOf = (indices: readonly number[], { costs, coeff }: GitsSearch) =>
  indices
    .slice(1)
    .reduce((sum, j, s) => sum + coeff ** s * costs[indices[s]! * Math.sqrt(costs.length) + j]!, 0);

describe('gits', () => {
  it('keeps the levels that no other choice beats', () => {
    const search = fc.integer({ min: 2, max: 8 }).chain((N) =>
      fc.record({
        costs: fc.array(fc.double({ min: -1, max: 9, noNaN: true }), {
          minLength: N * N,
          maxLength: N * N,
        }),
        numSteps: fc.integer({ min: 2, max: N }),
        coeff: fc.double({ min: 0.5, max: 2, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(search, (search) => {
        const { indices, cost } = gits(search);
        const all = [...schedules(Math.sqrt(search.costs.length), search.numSteps)];
        expect(all).toContainEqual(indices);
        expect(cost).toBeCloseTo(costOf(indices, search), 9);
        expect(cost).toBeCloseTo(Math.min(...all.map((other) => costOf(other, search))), 9);
      }),
    );
  });

  it('divides a cost that grows with the square of the distance evenly, or earlier, as the coefficient says', () => {
    const N = 13;
    const costs = Float64Array.from({ length: N * N }, (_, at) => (Math.floor(at / N) - (at % N)) ** 2);
    expect(gits({ costs, numSteps: 4, coeff: 1 })).toEqual({ indices: [0, 4, 8, 12], cost: 48 });
    // 7² + 2·3² + 4·2²: the last steps, which weigh more, are shorter.
    expect(gits({ costs, numSteps: 4, coeff: 2 })).toEqual({ indices: [0, 7, 10, 12], cost: 83 });
  });

  it('takes the shorter step first where nothing else decides', () => {
    expect(gits({ costs: new Float64Array(25), numSteps: 4, coeff: 1.15 }).indices).toEqual([0, 1, 2, 4]);
  });

  it.each<[string, Partial<GitsSearch>, RegExp]>([
    ['costs that are no square', { costs: [1, 2, 3] }, /N × N.*found 3/],
    ['a grid of one level', { costs: [0] }, /found 1\./],
    ['more levels than there are', { numSteps: 4 }, /grid of 3 levels.*2 to 3; found 4/],
    ['a single level', { numSteps: 1 }, /2 to 3; found 1/],
    ['half a step', { numSteps: 2.5 }, /found 2\.5/],
    ['a coefficient of 0', { coeff: 0 }, /coeff.*found 0/],
    [
      'a step without a cost',
      { costs: [0, 1, 2, 0, 0, Number.NaN, 0, 0, 0] },
      /from level 1 to level 2.*found NaN/,
    ],
  ])('refuses %s', (_, wrong, message) => {
    const search = { costs: new Float64Array(9), numSteps: 2, coeff: 1.15, ...wrong };
    expect(() => gits(search)).toThrow(expect.objectContaining({ code: 'E_SCHEDULE' }));
    expect(() => gits(search)).toThrow(message);
  });
});
