import { type Options, withDefaults } from '@fewstep/schedules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JointRequest } from '../drive/lockstep.js';
import { solveSync } from '../drive/solve.js';
import { within } from '../fit/block.js';
import { fit } from '../fit/fit.js';
import { squaresOf } from '../fit/squares.js';
import { denoiser, levels, plainMethods, twoClusters, worst } from '../methods/analytic.test.helpers.js';
import { dpmpp } from '../methods/dpmpp.js';
import { heun } from '../methods/heun.js';
import { ipndm } from '../methods/ipndm.js';
import { torchCpu } from '../random/torch-cpu.js';
import { methods, steered } from '../registry.js';
import type { Solver } from '../solver.js';
import { amed } from '../students/amed.js';
import { ipndmStudent } from '../students/ipndm.js';
import { compile } from '../table/compile.js';
import { checkTable, depthOf, type SamplerTable } from '../table/sampler-table.js';
import { type Start, startOf, type TableFamily, type TableGenerator } from './generator.js';
import { generators } from './registry.js';
import { steeredFamily } from './steered.js';

const shape = [1, 2, 3] as const;
const sigmas = [80, 20, 5, 1, 0.1];
const start: Start = { solver: ipndm({ maxOrder: 3 }) as Solver, sigmas, shape };
type Told = Readonly<Record<string, unknown>>;
const family = (name: keyof typeof generators, told: Told, from: Start = start): TableFamily => {
  const one: TableGenerator = generators[name];
  return one.make(withDefaults(one.options, told), from);
};
const student = (name: keyof typeof steered, told: Told, from: Parameters<typeof steeredFamily>[2]) => {
  const one = steered[name];
  return steeredFamily(
    one as Parameters<typeof steeredFamily>[0],
    withDefaults(one.options as Options, told),
    from,
  );
};

/** The farthest apart of any number of two tables, as a part of how large the numbers of its row are. */
function apart(a: SamplerTable, b: SamplerTable): number {
  expect(a.rows.map((row) => row.length)).toEqual(b.rows.map((row) => row.length));
  const rows = [...a.rows, a.sigmas].map((row, k) => {
    const other = [...b.rows, b.sigmas][k]!;
    const size = 1 + Math.max(...other.map(Math.abs));
    return worst(Float64Array.from(row), Float64Array.from(other)) / size;
  });
  return Math.max(...rows);
}

/** Every family, what it is told, and where it begins: at the start's method, or one of its own. */
const families: [string, (from: Start) => TableFamily, (from: Start) => Solver][] = [
  ['table', (from) => family('table', { bands: 1 }, from), ({ solver }) => solver],
  ['times', (from) => family('times', {}, from), ({ solver }) => solver],
  ['times, told the same', (from) => family('times', { told: 'same' }, from), ({ solver }) => solver],
  ['bns', (from) => family('bns', {}, from), ({ solver }) => solver],
  ['gs', (from) => family('gs', {}, from), () => dpmpp({ lowerOrderFinal: false }) as Solver],
  ['dyweight', (from) => family('dyweight', {}, from), () => ipndm({ maxOrder: 3 }) as Solver],
  ['dyweight of all', (from) => family('dyweight', { window: 8 }, from), () => ipndm() as Solver],
];
const places = (r: number) => () => ({
  r: Float64Array.of(r),
  scale_dir: Float64Array.of(1),
  scale_time: Float64Array.of(1),
});
const students: typeof families = [
  // an interval, a point amid it: what AMED-Solver is where r is ½
  [
    'epd of one point',
    (from) => family('epd', { points: 1 }, from),
    () => amed.steered(places(0.5)) as Solver,
  ],
  [
    'the student amed',
    (from) => student('amed', { scale_time: 0.2 }, from),
    () => amed.steered(places(0.5)) as Solver,
  ],
  [
    'the student ipndm',
    (from) => student('ipndm', {}, from),
    () => ipndmStudent().steered(places(0.5)) as Solver,
  ],
];
const others: [string, (from: Start) => TableFamily][] = [
  ['epd', (from) => family('epd', {}, from)],
  [
    'epd of three points on a history',
    (from) => family('epd', { points: 3, history: 3, scale_time: 0.2 }, from),
  ],
  ['the student dpmpp', (from) => student('dpmpp', { scale_time: 0.1, thresholding: 'none' }, from)],
];

describe.each([...families, ...students])('%s', (_, make, begins) => {
  it('begins where it says, under any noise levels', () => {
    fc.assert(
      fc.property(levels, fc.boolean(), fc.boolean(), (sigmas, afs, denoiseToZero) => {
        const from = { ...start, sigmas, afs, denoiseToZero };
        expect(apart(startOf(make(from)), compile({ ...from, solver: begins(from) }))).toBeLessThan(1e-10);
      }),
      { numRuns: 20 },
    );
  });
});

describe.each([...families, ...students, ...others] as [string, (from: Start) => TableFamily][])(
  '%s',
  (_, make) => {
    it('is a table wherever its numbers go, each of which it depends on', () => {
      const noise = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 64, maxLength: 64 });
      fc.assert(
        fc.property(noise, fc.boolean(), fc.boolean(), (moves, afs, denoiseToZero) => {
          const one = make({ ...start, afs, denoiseToZero });
          checkTable(one.table(one.parameters.map((parameter, i) => parameter.start + moves[i]!)));
        }),
        { numRuns: 20 },
      );
      for (const afs of [false, true]) {
        const one = make({ ...start, afs });
        const values = one.parameters.map((parameter) => parameter.start);
        expect(new Set(one.parameters.map(({ name }) => name)).size).toBe(values.length);
        for (const [p, { step }] of one.parameters.entries()) {
          const moved = one.table(values.map((value, i) => (i === p ? value + step : value)));
          const by = apart(moved, one.table(values));
          expect(by).toBeGreaterThan(1e-7);
          expect(by).toBeLessThan(0.1);
        }
      }
    });

    it('comes nearer to a teacher than where it begins', async () => {
      const size = 6;
      const block = (seed: number, n: number) => {
        const noise = torchCpu(seed).randn(n * size);
        const fine = Array.from({ length: 60 }, (_, i) => 80 * (0.1 / 80) ** (i / 59));
        const x = noise.map((z) => 80 * z);
        return {
          noise,
          goal: solveSync({ solver: heun, x, n, sigmas: fine, denoise: denoiser(twoClusters, n) }).x,
          n,
        };
      };
      const denoise = (request: JointRequest) => denoiser(twoClusters, request.owners.length)(request);
      const one = make({ ...start, sigmas: [80, 5, 0.7, 0.1], afs: true });
      const { table } = await fit({
        family: one,
        rounds: [block(1, 10), block(1, 10)].map((one) => ({ blocks: [one], keep: 0 })),
        validation: [block(2, 6)],
        denoise,
        view: within(),
      });
      const { squares } = await squaresOf([startOf(one), table], block(3, 10), denoise, within());
      expect(squares[1]!).toBeLessThan(0.95 * squares[0]!);
    });
  },
);

it.each([
  ['table', { bands: 1 }, 1 + 2 + 3 + 4 + 5 + 4],
  // the last row by band
  ['table', {}, 1 + 2 + 3 + 4 + 4 * 5 + 4],
  // N(N + 5)/2 − 1
  ['bns', {}, 17],
  // twice N − 1
  ['times', {}, 6],
  ['times', { told: 'same' }, 3],
  // N(N + 1) + 2N − 1
  ['gs', {}, 27],
  ['epd', {}, 4 * 7],
  ['epd', { points: 3, scale_dir: 0, scale_time: 0 }, 4 * 5],
  ['dyweight', {}, 9 + 4],
] as const)('%s %j has %i parameters for 4 intervals', (name, told, count) => {
  const { parameters } = family(name, told);
  expect(parameters).toHaveLength(count);
});

describe('times', () => {
  it.each(plainMethods.filter(({ cost }) => cost === 2))(
    'tells $label another level than it is at, between its neighbours',
    ({ solver }) => {
      const one = family('times', {}, { ...start, solver });
      const values = one.parameters.map(({ start, name }) => (name.startsWith('told') ? 9 : start));
      const { sigmas: told, rows } = one.table(values);
      const plain = startOf(one);
      expect(rows).toEqual(plain.rows);
      for (const [k, sigma] of plain.sigmas.entries()) {
        const i = sigmas.findIndex((level) => Math.abs(level / sigma - 1) < 1e-9);
        const moved = Math.log(sigma / told[k]!);
        if (i === 0 || i === sigmas.length - 1) expect(told[k]).toBeCloseTo(sigma, 12);
        else if (i > 0)
          expect(moved).toBeCloseTo(
            Math.log(Math.min(sigmas[i - 1]! / sigma, sigma / sigmas[i + 1]!)) / 2,
            6,
          );
        else expect(moved).toBeGreaterThan(0);
      }
      for (const [k, level] of told.entries()) if (k > 0) expect(level).toBeLessThanOrEqual(told[k - 1]!);
    },
  );

  it('reaches any levels, and keeps apart those that run together', () => {
    const one = family('times', { told: 'same' }, { ...start, solver: ipndm({ maxOrder: 1 }) as Solver });
    expect(one.table([-50, -50, 50]).sigmas).toEqual([
      80,
      expect.closeTo(80, 2),
      expect.closeTo(80, 2),
      expect.closeTo(0.1, 4),
    ]);
    const far = one.table([900, 900, -900]).sigmas;
    for (const [k, level] of far.entries()) if (k > 0) expect(level).toBeLessThan(far[k - 1]!);
  });
});

it('refuses a start that is not linear', () => {
  const solver = methods.dpmpp.make(withDefaults(methods.dpmpp.options, {}, 'pixels'), {
    sigmaMin: 0.1,
    sigmaMax: 80,
  });
  for (const name of ['table', 'times', 'bns'] as const)
    expect(() => family(name, {}, { ...start, solver: solver as Solver })).toThrow(
      expect.objectContaining({ code: 'E_SOLVER' }),
    );
});

it('begins a student at the plain solver on its levels and the middles', () => {
  const fine = [80, 50, 20, 9, 5, 2, 1, 0.3, 0.1];
  const middles = fine.filter((_, i) => i % 2 === 1);
  const one = student('ipndm', { scale_time: 0.1 }, { sigmas: fine.filter((_, i) => i % 2 === 0), middles });
  expect(apart(startOf(one), compile({ ...start, sigmas: fine, solver: ipndm() }))).toBeLessThan(1e-10);
});

it('begins with points amid parts of an interval, weighted by their width', () => {
  const { parameters } = family('epd', {});
  const begins = Object.fromEntries(parameters.map(({ name, start }) => [name, start]));
  // from 80 to 20 they meet at 40
  expect(begins).toMatchObject({
    'r 0,0': expect.closeTo(Math.log(1 / 3), 12),
    'r 0,1': expect.closeTo(Math.log(3), 12),
    'weight 0,1': expect.closeTo(Math.log(20 / 40), 12),
  });
});

it('counts points that are asked at once as one', () => {
  const table = startOf(family('epd', { points: 3 }, { ...start, afs: true }));
  expect(table.sigmas).toHaveLength(4 * 4 - 1);
  expect(depthOf(table)).toBe(4 * 2 - 1);
});

it.each(Object.values<TableGenerator>(generators))(
  '$name says what it is',
  ({ options, evaluations, make, description }) => {
    const chosen = withDefaults(options, {});
    expect(description).not.toBe('');
    for (const one of Object.values<Options[string]>(options)) expect(one.description).toMatch(/\.$/);
    const { sigmas: asked } = startOf(make(chosen, start));
    expect(asked).toHaveLength((sigmas.length - 1) * (evaluations?.(chosen) ?? 1));
  },
);
