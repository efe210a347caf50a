import type { OfficialPredictorSettings } from '@fewstep/models';
import { RunnerError } from '../errors.js';

/**
 * What sampling must know of an official predictor, in the sections of a spec. Its data's name is a label; its teacher is
 * nothing to sampling.
 *
 * @throws RunnerError E_PREDICTOR where it was trained under guidance
 */
export function officialSettings(
  settings: OfficialPredictorSettings,
): Record<'schedule' | 'student', object> {
  const { sampler_stu: solver, num_steps, afs, scale_dir, scale_time } = settings;
  const { schedule_type: type, schedule_rho: rho, guidance_type: guidance, guidance_rate: rate } = settings;
  const { max_order, predict_x0, lower_order_final } = settings;
  if (guidance !== null && guidance !== 'none' && guidance !== 'uncond')
    throw new RunnerError(
      'E_PREDICTOR',
      `it was trained under guidance ${guidance} with rate ${rate}, and a spec has no guidance yet.`,
      { evidence: { guidance, rate } },
    );
  return {
    schedule: { type, ...(type !== 'logsnr' && { rho }) },
    student: {
      solver,
      num_steps,
      afs,
      scale_dir,
      scale_time,
      ...((solver === 'ipndm' || solver === 'dpmpp') && max_order !== null && { max_order }),
      ...(solver === 'dpmpp' && { predict_x0, lower_order_final }),
    },
  };
}
