import { expect, it } from 'vitest';
import { students } from '../declared.test.helpers.js';
import { fixed, stepFrom } from '../methods/analytic.test.helpers.js';
import type { Request, Solver, SolverState, Student } from '../solver.js';

const x = Float64Array.of(-2, 0.4, 1.7);
const deaf = ({ x }: Request) => ({ denoised: x.map(Math.tanh), bottleneck: new Float64Array(64) });

it.each(Object.entries(students))(
  '%s: scale_time is told to the denoiser and goes nowhere else',
  (_, make) => {
    const student = make() as Student<SolverState>;
    const after = (scaleTime: number) => {
      const solver: Solver<SolverState> = student.steered(fixed(0.4, 1, scaleTime));
      return stepFrom(solver, solver.init(x, 1), [1.2, 0.5], deaf).x;
    };
    expect(after(1.1)).toEqual(after(1));
  },
);
