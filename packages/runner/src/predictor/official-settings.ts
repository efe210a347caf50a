import type { OfficialPredictorSettings } from '@fewstep/models';
import { schedules } from '@fewstep/schedules';
import { steered } from '@fewstep/solvers';

type Declared = Readonly<Record<string, { readonly options: object }>>;
/** What is told of the options that something declares. */
const toldOf = (declared: Declared, name: string, told: object): object =>
  Object.fromEntries(
    Object.entries(told).filter(([key, value]) => key in (declared[name]?.options ?? {}) && value !== null),
  );

/**
 * What sampling must know of an official predictor, in the sections of a spec. Its data's name is a label; its teacher is
 * nothing to sampling. Under uncond its rate meant nothing. With predict_x0 it was thresholded, whatever the data.
 */
export function officialSettings(
  settings: OfficialPredictorSettings,
): Record<'schedule' | 'student', object> & { guidance?: object } {
  const { sampler_stu: solver, num_steps, afs, schedule_type: type, schedule_rho: rho } = settings;
  const { guidance_type: guidance, guidance_rate: rate } = settings;
  return {
    schedule: { type, ...toldOf(schedules, type, { rho }) },
    ...(guidance !== null &&
      guidance !== 'none' && {
        guidance: { type: guidance, ...(guidance !== 'uncond' && rate !== null && { rate }) },
      }),
    student: {
      solver,
      num_steps,
      afs,
      ...toldOf(steered, solver, { ...settings, ...(settings.predict_x0 && { thresholding: 'dynamic' }) }),
    },
  };
}
