import type { OfficialPredictorSettings } from '@fewstep/models';

/**
 * What sampling must know of an official predictor, in the sections of a spec. Its data's name is a label; its teacher is
 * nothing to sampling. Under uncond its rate meant nothing.
 */
export function officialSettings(
  settings: OfficialPredictorSettings,
): Record<'schedule' | 'student', object> & { guidance?: object } {
  const { sampler_stu: solver, num_steps, afs, scale_dir, scale_time } = settings;
  const { schedule_type: type, schedule_rho: rho, guidance_type: guidance, guidance_rate: rate } = settings;
  const { max_order, predict_x0, lower_order_final } = settings;
  return {
    schedule: { type, ...(type !== 'logsnr' && { rho }) },
    ...(guidance !== null &&
      guidance !== 'none' && {
        guidance: { type: guidance, ...(guidance !== 'uncond' && rate !== null && { rate }) },
      }),
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
