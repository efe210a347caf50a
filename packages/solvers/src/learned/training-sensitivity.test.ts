import { describe, expect, it } from 'vitest';
import { students } from '../declared.test.helpers.js';
import { solveSync } from '../drive/solve.js';
import { denoiser, twoClusters } from '../methods/analytic.test.helpers.js';
import type { Request, Steering, Student, Vector } from '../solver.js';
import { placement } from '../students/placement.js';
import { sensitivity } from './training-sensitivity.js';

const n = 2;
const x = Float64Array.of(2, -0.7, 1.1, -3);
const [sigma, sigmaNext] = [2, 0.3];
const denoise = denoiser(twoClusters, n);
const outputs = placement({});

function steeringAt(r: readonly number[]): Steering {
  return { r: Float64Array.from(r) };
}

/** The step of a student without history, and the noise levels at which its middle points were evaluated. */
async function measure(student: Student, r: readonly number[], epsilon: number) {
  const middles: Vector[] = [];
  const { x: end, slopes } = await sensitivity({
    step: (steering) => {
      const solver = student.steered(() => steering);
      return solver.step(solver.init(x, n), sigma, sigmaNext, 1);
    },
    opened: { steering: steeringAt(r), evaluations: [denoise({ x, sigma })] },
    outputs,
    epsilon,
    denoise: (request: Request) => {
      middles.push(request.sigma as Vector);
      return denoise(request);
    },
  });
  return { end, slope: slopes[0]!.slope, middles };
}

function endOf(student: Student, r: readonly number[]): Vector {
  const solver = student.steered(() => steeringAt(r));
  return solveSync({ solver, x, n, sigmas: [sigma, sigmaNext], denoise }).x;
}

const everyStudent = Object.entries(students).map(([name, make]) => [name, make() as Student] as const);

describe.each(everyStudent)('%s', (_, student) => {
  it('stays inside the interval for an r next to its ends, and gives the slope there', async () => {
    const r = [0.002, 0.999];
    const { slope, middles } = await measure(student, r, 3e-3);
    for (const level of middles.flatMap((middle) => [...middle])) {
      expect(level).toBeLessThan(sigma);
      expect(level).toBeGreaterThan(sigmaNext);
    }
    const fine = 1e-7;
    const [up, down] = [fine, -fine].map((by) =>
      endOf(
        student,
        r.map((value) => value + by),
      ),
    );
    const largest = Math.max(...slope.map(Math.abs));
    slope.forEach((value, i) => {
      expect(Math.abs(value - (up![i]! - down![i]!) / (2 * fine)) / largest).toBeLessThan(1e-2);
    });
  });

  it('without a centre its end is off by O(ε²)', async () => {
    const r = [0.4, 0.6];
    const exact = endOf(student, r);
    const offBy = async (epsilon: number) => {
      const { end } = await measure(student, r, epsilon);
      return Math.max(...end.map((value, i) => Math.abs(value - exact[i]!)));
    };
    expect((await offBy(2e-3)) / (await offBy(1e-3))).toBeCloseTo(4, 1);
  });
});
