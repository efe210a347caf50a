import { expect, it } from 'vitest';
import { denoiser, twoClusters } from '../methods/analytic.test.helpers.js';
import { torchCpu } from '../random/torch-cpu.js';
import { bandNorms } from '../table/bands.js';
import type { SamplerTable } from '../table/sampler-table.js';
import { type Block, within } from './block.js';
import { energiesOf, matched } from './energies.js';

const shape = [2, 3, 4] as const;
const [noise, goal] = [1, 2].map((seed) => torchCpu(seed).randn(5 * 24)) as [Float64Array, Float64Array];
const whole = { noise, goal, n: 5 };
const of = (table: SamplerTable, block: Block = whole) =>
  energiesOf(
    table,
    block,
    ({ owners, ...request }) => denoiser(twoClusters, owners.length)(request),
    within(),
    shape,
  );
const part = (values: Float64Array, from: number, to: number) => values.subarray(from * 24, to * 24);

const bands = { shape, edges: [0.2, 0.4] };
const byBand: SamplerTable = {
  sigmas: [2],
  rows: [[2], [0.3, 0.2, 0.1, 0.5, 0.6, 0.7]],
  bands,
};

it('brings samples to the energy of their goals, band by band, of blocks together', async () => {
  const first = { noise: part(noise, 0, 2), goal: part(goal, 0, 2), n: 2 };
  const rest = { noise: part(noise, 2, 5), goal: part(goal, 2, 5), n: 3 };
  const found = matched(byBand, [await of(byBand, first), await of(byBand, rest)]);
  const { samples, goals, calls } = await of(found);
  expect(calls).toBe(5);
  const norms = [...bandNorms(goal, bands)];
  for (const [band, energy] of goals.entries()) {
    expect(energy).toBeCloseTo(
      norms.reduce((sum, norm, i) => (i % 3 === band ? sum + norm ** 2 : sum), 0),
      9,
    );
    expect(samples[band]).toBeCloseTo(energy, 9);
  }
  // of the last row alone, each band by its own gain
  expect(found.rows[0]).toEqual([2]);
  const gains = found.rows[1]!.map((entry, i) => entry / byBand.rows[1]![i]!);
  expect(gains.slice(3)).toEqual(gains.slice(0, 3).map((gain) => expect.closeTo(gain, 12)));
  expect(new Set(gains.slice(0, 3)).size).toBe(3);
});

it.each([
  ['without bands', { sigmas: [2], rows: [[2], [0.3, 0.5]] }],
  ['whose last row is one for all bands', { sigmas: [2], rows: [[2], [0.3, 0.5]], bands }],
])('knows one energy of a table %s', async (_, table) => {
  const { samples, goals } = await of(matched(table, [await of(table)]));
  expect(goals).toEqual([
    expect.closeTo(
      goal.reduce((sum, value) => sum + value ** 2, 0),
      9,
    ),
  ]);
  expect(samples[0]).toBeCloseTo(goals[0]!, 9);
});

it('leaves a band as it is in which there is nothing', () => {
  const table = { sigmas: [1], rows: [[1], [1, 2, 3, 4]] };
  const { rows } = matched(table, [{ samples: [4, 0], goals: [1, 0], calls: 1 }]);
  expect(rows[1]).toEqual([0.5, 2, 1.5, 4]);
});
