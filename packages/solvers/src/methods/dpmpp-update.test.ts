import { expect, it } from 'vitest';
import { dpmppUpdate } from './dpmpp-update.js';

const [m0, m1, m2] = [0.7, -0.4, 1.9];
const [s0, s1, s2, next] = [1.3, 4, 9, 0.5];
const points = [
  { model: Float64Array.of(m0), sigma: s0 },
  { model: Float64Array.of(m1), sigma: s1 },
  { model: Float64Array.of(m2), sigma: s2 },
];

/** The model's part as arXiv:2211.01095 and the published code build it, difference by difference. */
function modelPart(order: number, predictX0: boolean): number {
  const h = Math.log(s0 / next);
  const [r0, r1] = [Math.log(s1 / s0) / h, Math.log(s2 / s1) / h];
  const [d0, d1] = [(m0 - m1) / r0, (m1 - m2) / r1];
  const phi1 = Math.expm1(predictX0 ? -h : h);
  const unit = predictX0 ? 1 : next;
  if (order === 1) return unit * phi1 * m0;
  if (order === 2) return unit * (phi1 * m0 + 0.5 * phi1 * d0);
  const bend = d0 - d1;
  const [D1, D2] = [d0 + (r0 / (r0 + r1)) * bend, bend / (r0 + r1)];
  const phi2 = predictX0 ? phi1 / h + 1 : phi1 / h - 1;
  const phi3 = phi2 / h - 0.5;
  return predictX0 ? phi1 * m0 - phi2 * D1 + phi3 * D2 : unit * (phi1 * m0 + phi2 * D1 + phi3 * D2);
}

it.each([1, 2, 3].flatMap((order) => [true, false].map((predictX0) => [order, predictX0] as const)))(
  'order %d, predict_x0 %s, is the published update',
  (order, predictX0) => {
    for (const scale of [1, 0.9]) {
      const [found] = dpmppUpdate(Float64Array.of(2), points.slice(0, order), next, predictX0, scale);
      expect(found).toBeCloseTo((predictX0 ? (next / s0) * 2 : 2) - scale * modelPart(order, predictX0), 13);
    }
  },
);
