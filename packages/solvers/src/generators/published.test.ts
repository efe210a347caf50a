import { withDefaults } from '@fewstep/schedules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { solveSync } from '../drive/solve.js';
import { denoiser, twoClusters, worst } from '../methods/analytic.test.helpers.js';
import { ipndm } from '../methods/ipndm.js';
import type { Vector } from '../solver.js';
import { type SamplerTable, tableSolver } from '../table/sampler-table.js';
import { bnsGenerator } from './bns.js';
import { dyweightGenerator } from './dyweight.js';
import { epdGenerator } from './epd.js';
import { startOf, type TableFamily } from './generator.js';
import { gsGenerator } from './gs.js';
import { timesGenerator } from './times.js';

/*
 * Each published update, written down step by step as its paper has it, of numbers drawn at random: the table that the
 * generator makes of the same numbers gives the same samples.
 */

const shape = [1, 1, 4] as const;
const sigmas = [80, 20, 4, 0.9, 0.2, 0.05];
const steps = sigmas.length - 1;
const start = { solver: ipndm({ maxOrder: 4 }), sigmas, shape };
const noise: Vector = Float64Array.of(-1.3, -0.2, 0.4, 2.1);
/** D of two clusters, asked with plain numbers. */
const D = (x: Vector, sigma: number): Vector => x.map((value) => twoClusters(value, sigma));
const sum = (...terms: readonly (readonly [number, Vector])[]): Vector =>
  noise.map((_, i) => terms.reduce((total, [weight, vector]) => total + weight * vector[i]!, 0));

const sampled = (table: SamplerTable): Vector =>
  solveSync({
    solver: tableSolver(table),
    x: noise.map((z) => z * 80),
    n: 1,
    sigmas: [80, 0.05],
    denoise: denoiser(twoClusters),
  }).x;

/** The values of a family by the names of its parameters, those that `of` says nothing of where they begin. */
const named = ({ parameters }: TableFamily, of: (name: string) => number | undefined) =>
  parameters.map(({ name, start }) => of(name) ?? start);

/** Numbers by name, drawn once each. */
const drawn = (random: readonly number[]) => {
  const known = new Map<string, number>();
  return (name: string, middle = 0, reach = 0.3) => {
    if (!known.has(name)) known.set(name, random[known.size % random.length]!);
    return middle + reach * known.get(name)!;
  };
};
const numbers = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 70, maxLength: 70 });
const forNumbers = (of: (value: ReturnType<typeof drawn>, afs: boolean) => void) =>
  fc.assert(
    fc.property(numbers, fc.boolean(), (random, afs) => of(drawn(random), afs)),
    { numRuns: 20 },
  );
const expectAlike = (found: Vector, expected: Vector) =>
  expect(worst(found, expected) / (1 + Math.max(...expected.map(Math.abs)))).toBeLessThan(1e-12);

/** dx/dσ, or what stands for it under the analytical first step. */
const slope = (x: Vector, sigma: number, afs: boolean) =>
  afs ? x.map((value) => value / Math.sqrt(1 + sigma ** 2)) : sum([1 / sigma, x], [-1 / sigma, D(x, sigma)]);

const ab = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]];
const logistic = (z: number) => 1 / (1 + Math.exp(-z));

it.each([
  [1, 1],
  [2, 1],
  [3, 3],
  [2, 4],
])('epd: %i points from %i slopes', (points, history) => {
  forNumbers((value, afs) => {
    const family = epdGenerator.make(
      { points, scale_dir: 0.05, scale_time: 0.2, history },
      { ...start, afs },
    );
    const reach = (name: string) => (name.startsWith('r') ? 2 : 1);
    const table = family.table(named(family, (name) => value(name, 0, reach(name))));

    let x: Vector = noise.map((z) => 80 * z);
    let past: Vector[] = [];
    for (let n = 0; n < steps; n++) {
      const [t, tNext] = [sigmas[n]!, sigmas[n + 1]!];
      const d = slope(x, t, afs && n === 0);
      const all = [d, ...past];
      const logits = Array.from({ length: points }, (_, j) =>
        j === 0 ? 0 : value(`weight ${n},${j}`, 0, 1),
      );
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      const terms = logits.map((logit, j) => {
        const r = logistic(value(`r ${n},${j}`, 0, 2));
        const c = 2 * logistic(value(`scale_dir ${n},${j}`, 0, 1)) * 0.05 + 1 - 0.05;
        const a = 2 * logistic(value(`scale_time ${n},${j}`, 0, 1)) * 0.2 + 1 - 0.2;
        const mid = tNext ** r * t ** (1 - r);
        const xMid = sum([1, x], ...ab[all.length - 1]!.map((w, i) => [w * (mid - t), all[i]!] as const));
        const dMid = sum([1 / mid, xMid], [-1 / mid, D(xMid, a * mid)]);
        return [(Math.exp(logit) / total) * c * (tNext - t), dMid] as const;
      });
      x = sum([1, x], ...terms);
      past = all.slice(0, history - 1);
    }
    expectAlike(sampled(table), x);
  });
});

it('dyweight', () => {
  forNumbers((value, afs) => {
    const family = dyweightGenerator.make({ window: 3 }, { ...start, afs });
    const of = (name: string) => value(name, name.startsWith('scale') ? 1 : 1 / 3, 0.2);
    const table = family.table(named(family, of));

    let x: Vector = noise.map((z) => 80 * z);
    let tau = sigmas[0]!;
    const past: Vector[] = [];
    for (let k = 0; k < steps; k++) {
      const told = Math.abs(of(`scale ${k}`) * tau);
      past.unshift(afs && k === 0 ? slope(x, tau, true) : sum([1 / tau, x], [-1 / tau, D(x, told)]));
      const weights = past.slice(0, 3).map((_, j) => of(`weight ${k},${j}`));
      const width = sigmas[k + 1]! - tau;
      x = sum([1, x], ...weights.map((w, j) => [w * width, past[j]!] as const));
      tau += width * weights.reduce((a, b) => a + b);
    }
    expectAlike(sampled(table), x);
  });
});

it('gs, in the coordinates of a variance-preserving process', () => {
  forNumbers((value, afs) => {
    const family = gsGenerator.make({}, { ...start, afs });
    const table = family.table(
      named(family, (name) => (name.startsWith('level') ? undefined : value(name, 0, 0.2))),
    );

    const alphaOf = (edm: number) => 1 / Math.sqrt(1 + edm ** 2);
    const stdOf = (edm: number) => edm * alphaOf(edm);
    const lambdaOf = (edm: number) => Math.log(alphaOf(edm) / stdOf(edm));
    let x: Vector = noise.map((z) => 80 * z * alphaOf(80));
    const [states, models]: [Vector[], Vector[]] = [[], []];
    for (let n = 0; n < steps; n++) {
      const [edm, next] = [sigmas[n]!, sigmas[n + 1]!];
      const told = afs && n === 0 ? edm : edm * Math.exp(value(`told ${n}`, 0, 0.2));
      const scaled = x.map((w) => w / alphaOf(told));
      const denoised =
        afs && n === 0 ? scaled.map((y) => y - (edm * y) / Math.sqrt(1 + edm ** 2)) : D(scaled, told);
      const eps = sum([1 / stdOf(told), x], [-alphaOf(told) / stdOf(told), denoised]);
      models.unshift(sum([1 / alphaOf(edm), x], [-stdOf(edm) / alphaOf(edm), eps]));
      states.unshift(x);
      const [m0, m1, m2] = models;
      const h = lambdaOf(next) - lambdaOf(edm);
      const [phi1, alpha] = [Math.expm1(-h), alphaOf(next)];
      const [phi2, phi3] = [phi1 / h + 1, (phi1 / h + 1) / h - 0.5];
      const a = (i: number) => value(`a ${n},${i - 1}`, 0, 0.2);
      const c = (i: number) => value(`c ${n},${i - 1}`, 0, 0.2);
      const terms: (readonly [number, Vector])[] = [
        [stdOf(next) / stdOf(edm) + a(1), x],
        [-(alpha * phi1 + c(1)), m0!],
      ];
      for (let i = 2; i <= n + 1; i++) terms.push([a(i), states[i - 1]!]);
      const r0 = n < 1 ? 0 : (lambdaOf(edm) - lambdaOf(sigmas[n - 1]!)) / h;
      const d0 = n < 1 ? x : sum([1 / r0, m0!], [-1 / r0, m1!]);
      if (n === 1) terms.push([-(0.5 * alpha * phi1 + c(2)), d0]);
      if (n >= 2) {
        const r1 = (lambdaOf(sigmas[n - 1]!) - lambdaOf(sigmas[n - 2]!)) / h;
        const d1 = sum([1 / r1, m1!], [-1 / r1, m2!]);
        const bend = sum([1, d0], [-1, d1]);
        terms.push([alpha * phi2 + c(2), sum([1, d0], [r0 / (r0 + r1), bend])]);
        terms.push([-(alpha * phi3 + c(3)), sum([1 / (r0 + r1), bend])]);
        for (let i = 4; i <= n + 1; i++) terms.push([c(i), models[i - 1]!]);
      }
      x = sum(...terms);
    }
    expectAlike(
      sampled(table),
      x.map((w) => w / alphaOf(sigmas[steps]!)),
    );
  });
});

it('bns: every slope until then, and the noise', () => {
  forNumbers((value) => {
    const family = bnsGenerator.make({}, start);
    const middle = (name: string) => (name.startsWith('log') ? 0 : name.startsWith('a') ? 2 : 0.5);
    const table = family.table(named(family, (name) => value(name, middle(name), 1)));

    let x: Vector = noise.map((z) => 80 * z);
    const slopes: Vector[] = [];
    for (let k = 1; k <= steps; k++) {
      slopes.push(slope(x, k === 1 ? 80 : Math.exp(value(`log sigma ${k - 1}`, 0, 1)), false));
      x = sum(
        [value(`a ${k}`, 2, 1), noise],
        ...slopes.map((u, j) => [value(`b ${k},${j}`, 0.5, 1), u] as const),
      );
    }
    expectAlike(sampled(table), x);
  });
});

it('times: a method on levels of its own, the network told others', () => {
  forNumbers((value, afs) => {
    const family = timesGenerator.make({ told: 'own' }, { ...start, afs });
    const table = family.table(named(family, (name) => value(name, 0, 2)));

    const lambdas = [-Math.log(80)];
    const end = -Math.log(0.05);
    for (let i = 1; i < steps; i++) {
      const before = lambdas[i - 1]!;
      lambdas.push(before + (end - before) * logistic(value(`level ${i}`, 0, 2)));
    }
    lambdas.push(end);
    // what it keeps of its start
    const own = lambdas.map((lambda, i) => lambda + 1e-6 * (-Math.log(sigmas[i]!) - lambda));
    const gaps = own.slice(1).map((lambda, i) => lambda - own[i]!);
    let x: Vector = noise.map((z) => 80 * z);
    const past: Vector[] = [];
    for (let n = 0; n < steps; n++) {
      const [t, tNext] = [Math.exp(-own[n]!), Math.exp(-own[n + 1]!)];
      const shift =
        n === 0 ? 0 : (Math.min(gaps[n - 1]!, gaps[n]!) / 2) * Math.tanh(value(`told ${n}`, 0, 2));
      const told = Math.exp(-own[n]! - shift);
      past.unshift(afs && n === 0 ? slope(x, t, true) : sum([1 / t, x], [-1 / t, D(x, told)]));
      x = sum([1, x], ...ab[Math.min(n, 3)]!.map((w, i) => [w * (tNext - t), past[i]!] as const));
    }
    expectAlike(sampled(table), x);
  });
});

describe('published numbers', () => {
  /*
   * EPD-Solver's released table for CIFAR-10 and 5 evaluations in sequence: 3 intervals of 2 points, the first step
   * analytical, no scales of directions. Read from arXiv:2507.14797's release for a check alone.
   */
  it('of EPD-Solver', () => {
    const weights = [
      [0.87, 0.13],
      [0.42, 0.58],
      [0.22, 0.78],
    ] as const;
    const rs = [
      [0.033, 0.795],
      [0.076, 0.632],
      [0.387, 0.094],
    ] as const;
    const scales = [
      [0.954, 0.954],
      [1.045, 1.045],
      [0.956, 1.018],
    ] as const;
    const from = { ...start, sigmas: [80, 10, 0.9, 0.05], afs: true };
    const family = epdGenerator.make({ points: 2, scale_dir: 0, scale_time: 0.05, history: 1 }, from);
    const logit = (p: number) => Math.log(p / (1 - p));
    const values = named(family, (name) => {
      const [what, n, j] = name.split(/[ ,]/) as [string, number, number];
      if (what === 'r') return logit(rs[n]![j]!);
      if (what === 'weight') return Math.log(weights[n]![1] / weights[n]![0]);
      return logit((scales[n]![j]! - 0.95) / 0.1);
    });
    let x: Vector = noise.map((z) => 80 * z);
    for (let n = 0; n < 3; n++) {
      const [t, tNext] = [from.sigmas[n]!, from.sigmas[n + 1]!];
      const d = slope(x, t, n === 0);
      const terms = rs[n]!.map((r, j) => {
        const mid = tNext ** r * t ** (1 - r);
        const xMid = sum([1, x], [mid - t, d]);
        return [
          weights[n]![j]! * (tNext - t),
          sum([1 / mid, xMid], [-1 / mid, D(xMid, scales[n]![j]! * mid)]),
        ] as const;
      });
      x = sum([1, x], ...terms);
    }
    expectAlike(sampled(family.table(values)), x);
  });

  /*
   * The differentiable solver search's table of 5 evaluations for flow matching (arXiv:2505.21114), from
   * github.com/MCG-NJU/NeuralSolver, MIT licence: steps of time, and what each velocity before counts for, the rest to 1
   * being the newest's. In time t from noise to data, x_t = t·data + (1 − t)·noise; it starts a little after 0, where σ is
   * a number.
   */
  const deltas = [0.0521, 0.1475, 0.2114, 0.2797, 0.3092];
  const coefficients = [[], [-1.26], [1.38, -2.26], [0, 0, -0.92], [0, 0, 0, -0.7]];
  const first = 0.0125;

  it('of NeuralSolver, in coordinates of a flow', () => {
    const velocities: Vector[] = [];
    let x: Vector = noise.map((z) => (1 - first) * z);
    let t = first;
    // the same on coefficients of the noise and of each answer
    const size = deltas.length + 1;
    let row: Vector = Float64Array.from({ length: size }, (_, i) => (i === 0 ? 1 - first : 0));
    const rowVelocities: Vector[] = [];
    const table: { sigmas: number[]; rows: number[][] } = { sigmas: [], rows: [] };
    for (const [i, dt] of deltas.entries()) {
      const weights = [...coefficients[i]!, 1 - coefficients[i]!.reduce((a, b) => a + b, 0)];
      // v = data − noise of what the network answers, which is asked in units of data
      const denoised = D(
        x.map((value) => value / t),
        (1 - t) / t,
      );
      velocities.push(x.map((value, at) => (denoised[at]! - value) / (1 - t)));
      table.sigmas.push((1 - t) / t);
      table.rows.push([...row.subarray(0, i + 1)].map((value) => value / t));
      rowVelocities.push(row.map((value, at) => (Number(at === i + 1) - value) / (1 - t)));
      x = sum([1, x], ...weights.map((w, j) => [w * dt, velocities[j]!] as const));
      row = row.map(
        (value, at) => value + weights.reduce((total, w, j) => total + w * dt * rowVelocities[j]![at]!, 0),
      );
      t += dt;
    }
    table.rows.push([...row]);
    const [top] = table.rows[0]!;
    const from = { solver: tableSolver(table), sigmas: [top!, 0.01], shape };
    // the step after the last is none of a flow's: the data themselves, so that the last row is as it is
    const sampledFrom = (one: SamplerTable) =>
      solveSync({
        solver: tableSolver(one),
        x: noise.map((z) => z * top!),
        n: 1,
        sigmas: [top!, 0.01],
        denoise: denoiser(twoClusters),
      }).x;
    expectAlike(sampledFrom(table), x);
    // and the form of BNS holds it, in slopes of σ
    expect(
      worst(sampledFrom(startOf(bnsGenerator.make(withDefaults(bnsGenerator.options, {}), from))), x),
    ).toBeLessThan(1e-10);
  });
});
