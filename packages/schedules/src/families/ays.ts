import { choice } from '../options.js';
import { type Span, scheduleFamily } from '../schedule.js';
import { ScheduleError } from '../schedule-error.js';
import { between } from '../spacing.js';

/**
 * The published noise levels of 10 steps. Those of Stable Diffusion are the levels of its own noise table at the published
 * times (999, 850, 736, … and 999, 845, 730, …).
 */
const published = {
  sd15: [
    14.6146412293, 6.4745760956, 3.8636745985, 2.694615152, 1.8841921177, 1.3943805092, 0.9642583904,
    0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
  ],
  sdxl: [
    14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289,
    0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582,
  ],
  svd: [700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002],
} as const;
type Of = keyof typeof published;

/** The last digits of a model's range are rounding. */
const rounding = 1.01;

function checkRange(of: Of, { sigmaMin, sigmaMax }: Span): void {
  const [largest, least] = [published[of][0], published[of].at(-1)!];
  const isNear = (a: number, b: number) => a < rounding * b && b < rounding * a;
  if (!(isNear(sigmaMax, largest) && isNear(sigmaMin, least)))
    throw new ScheduleError(
      `ays of ${of} is a table of noise levels from ${largest} to ${least}, which the range of the model must be`,
      [sigmaMax, sigmaMin],
      'For another model take dmn, which is computed for its range, or list noise levels as explicit.',
    );
}

/**
 * The tables of Align Your Steps, made for one model each: 11 timestamps are the table, other numbers of them lie on the line
 * through its levels, log σ over the number of the step.
 *
 * The ends are those of the model, which are the table's but for rounding; no table is stretched to another range, as none is
 * by its authors, ComfyUI or AUTOMATIC1111 (which give the table's ends whatever the model's). Some samplers put 0 in the
 * place of the last level; here `denoise_to_zero` says what follows it.
 *
 * Source: Sabour et al., arXiv:2404.14507, and its authors' page of tables; the numbers as in diffusers (Apache-2.0) and
 * ComfyUI, which agree.
 */
export const ays = scheduleFamily({
  name: 'ays',
  elsewhere: { align_your_steps: '' },
  spacing: 'as published for Stable Diffusion 1.5 or XL, or Stable Video Diffusion',
  options: {
    of: choice(['sd15', 'sdxl', 'svd'], 'sd15', 'Whose published table.'),
  },
  levels(span, { of }) {
    checkRange(of, span);
    const table = published[of];
    const levels = Float64Array.from({ length: span.numSteps }, (_, i) => {
      const place = (i * (table.length - 1)) / (span.numSteps - 1);
      const k = Math.floor(place);
      return place === k ? table[k]! : table[k]! * (table[k + 1]! / table[k]!) ** (place - k);
    });
    return between(span, levels);
  },
});
