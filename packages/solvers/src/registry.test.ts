import { type Options, withDefaults } from '@fewstep/schedules';
import { describe, expect, it } from 'vitest';
import { solveSync } from './drive/solve.js';
import type { Method, SteeredMethod } from './method.js';
import { methods, steered } from './registry.js';
import type { Solver } from './solver.js';

const sigmas = [80, 30, 9, 2, 0.4, 0.05];
const intervals = sigmas.length - 1;
const range = { sigmaMin: 0.05, sigmaMax: 80 };
const point = 0.3;

/** Solves towards a point mass, which every method must find, and counts. */
function toPoint(solver: Solver): { nfe: number; x: number } {
  const { nfe, x } = solveSync({
    solver,
    x: Float64Array.of(77),
    n: 1,
    sigmas,
    denoise: ({ x }) => ({ denoised: x.map(() => point), bottleneck: new Float64Array(64) }),
  });
  return { nfe, x: x[0]! };
}
/** On the line from the start to the point, at the last σ. */
const there = point + ((77 - point) * 0.05) / 80;

describe.each(Object.values<Method>(methods))('$name', ({ name, options, evaluations, make }) => {
  it('costs what it declares, and finds a point mass', () => {
    const { nfe, x } = toPoint(make(withDefaults(options, {}), range));
    expect(nfe).toBe(evaluations * intervals);
    expect(x).toBeCloseTo(there, 10);
  });

  it('is named as it names itself, and has a sentence for every option', () => {
    expect(make(withDefaults(options, {}), range).name).toBe(name);
    for (const { description } of Object.values<Options[string]>(options)) expect(description).toMatch(/\.$/);
  });
});

describe.each(Object.values<SteeredMethod>(steered))('the student $name', (declared) => {
  const { options, evaluations, outputs, make, teacher } = declared;
  const chosen = withDefaults(options, {});
  const span = { sigma: 2, middle: 1, sigmaNext: 0.5 };

  it('costs what it declares, finds a point mass, and learns from a plain solver', () => {
    const steering = Object.fromEntries(
      outputs(chosen).map((output) => [
        output.name,
        Float64Array.from({ length: output.count }, (_, i) => output.start(span, i)),
      ]),
    );
    const { nfe, x } = toPoint(make(chosen).steered(() => steering));
    expect(nfe).toBe(evaluations * intervals);
    expect(x).toBeCloseTo(there, 10);
    expect(Object.keys(methods)).toContain(teacher);
  });
});
