import { choice } from '@fewstep/schedules';
import { compile, compileLinear } from '../table/compile.js';
import { generator, type TableFamily } from './generator.js';
import { freeLevels, stepOf } from './levels.js';

/**
 * The start's method under noise levels of its own, and beside them the levels that the network is told (LD3): what is
 * shown at level σ_i is told as σ'_i, at most half of the smaller gap beside it away in λ = −log σ.
 *
 * - Parameters, N intervals: N − 1 for the levels between the first and the last, as many again for those told. It begins
 *   at the start's table.
 * - What a method asks between two levels, as `dpm` does, is told what lies between theirs, linearly in λ.
 * - Source: Tong et al., arXiv:2405.15506. There, levels are a softmax of N + 1 numbers, which reaches the same grids, and
 *   the bound of the second grid is half the smallest gap of the raw numbers, which begin all alike, so that it begins at
 *   0; here it is of the levels. In place of a clamp that ends a slope stands tanh.
 */
export const timesGenerator = generator({
  name: 'times',
  description: 'the noise levels of the start, and those that the network is told',
  options: {
    told: choice(
      ['own', 'same'],
      'own',
      'Noise levels that the network is told: their own, which are trained beside those of the method, or the same.',
    ),
  },
  make({ told }, start): TableFamily {
    compile(start);
    const { parameters, levels } = freeLevels(start.sigmas);
    const free = parameters.length;
    const shifts = told === 'own' ? Array.from(start.sigmas).slice(1, -1) : [];
    return {
      parameters: [
        ...parameters,
        ...shifts.map((_, i) => {
          const reach = reachOf(start.sigmas, i + 1);
          return { name: `told ${i + 1}`, start: 0, step: stepOf(reach) };
        }),
      ],
      table(values) {
        const sigmas = levels(values);
        const table = compileLinear({ ...start, sigmas });
        const moved = sigmas.map((_, i) => {
          const inner = i > 0 && i <= shifts.length;
          return inner ? reachOf(sigmas, i) * Math.tanh(values[free + i - 1]!) : 0;
        });
        return {
          ...table,
          sigmas: table.sigmas.map((sigma) => sigma * Math.exp(-shiftAt(sigma, sigmas, moved))),
        };
      },
    };
  },
});

/** Half of the smaller gap beside a level between others, in λ. */
const reachOf = (sigmas: ArrayLike<number>, i: number) =>
  Math.log(Math.min(sigmas[i - 1]! / sigmas[i]!, sigmas[i]! / sigmas[i + 1]!)) / 2;

/** Linearly in λ between those of the levels. */
function shiftAt(sigma: number, sigmas: readonly number[], shifts: readonly number[]): number {
  const i = sigmas.findIndex((level) => level <= sigma);
  if (i <= 0 || sigmas[i] === sigma) return shifts[Math.max(0, i)]!;
  const part = Math.log(sigmas[i - 1]! / sigma) / Math.log(sigmas[i - 1]! / sigmas[i]!);
  return (1 - part) * shifts[i - 1]! + part * shifts[i]!;
}
