import type { LoadedDenoiser } from './denoiser.js';
import { engineFault } from './errors.js';

/**
 * Guides a denoiser away from what it gives without condition: D = D_u + rate (D_c − D_u), which is the same as for the
 * noise that the network predicts.
 *
 * Both go through the network together, so an evaluation of n samples takes 2n forward passes; at rate 1 only D_c is
 * evaluated. The bottleneck is the conditional one, as AMED-Solver takes it.
 *
 * - `unconditional`: the condition [positions × width] that stands for none, as a rule that of the empty prompt.
 * - Source: Ho & Salimans 2022, arXiv:2207.12598, with rate = w + 1.
 * @throws ModelError `E_ENGINE` when the denoiser takes no condition or one of another size, or the rate is no number
 */
export function classifierFree(
  denoiser: LoadedDenoiser,
  { rate, unconditional }: { readonly rate: number; readonly unconditional: Float64Array },
): LoadedDenoiser {
  const { condition: shape } = denoiser.info;
  if (!shape) throw engineFault('a denoiser without condition can’t be guided by one', { rate });
  if (!Number.isFinite(rate)) throw engineFault(`a guidance rate is a number, not ${rate}`, { rate });
  const width = shape.positions * shape.width;
  if (unconditional.length !== width)
    throw engineFault(
      `the unconditional condition is ${shape.positions} tokens of ${shape.width} entries, not ${unconditional.length} values`,
      { length: unconditional.length },
    );
  if (rate === 1) return denoiser;
  return {
    info: denoiser.info,
    async evaluate({ x, sigma, condition, ...rest }) {
      const { channels, resolution } = denoiser.info;
      const n = x.length / (channels * resolution ** 2);
      const each = condition && condition.length === width ? repeat(condition, n) : condition;
      const both = await denoiser.evaluate({
        ...rest,
        x: repeat(x, 2),
        sigma: typeof sigma === 'number' ? sigma : repeat(sigma, 2),
        ...(each && { condition: join(each, repeat(unconditional, n)) }),
      });
      const half = both.denoised.subarray(x.length);
      return {
        denoised: both.denoised.subarray(0, x.length).map((value, i) => half[i]! + rate * (value - half[i]!)),
        bottleneck: both.bottleneck.slice(0, both.bottleneck.length / 2),
        forwards: both.forwards,
      };
    },
    close: () => denoiser.close(),
  };
}

function join(a: Float64Array, b: Float64Array): Float64Array {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function repeat(values: Float64Array, times: number): Float64Array {
  const all = new Float64Array(values.length * times);
  for (let i = 0; i < times; i++) all.set(values, i * values.length);
  return all;
}
