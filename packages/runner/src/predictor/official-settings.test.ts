import type { OfficialPredictorSettings } from '@fewstep/models';
import { expect, it } from 'vitest';
import { officialSettings } from './official-settings.js';

/** The launch script's plugin on CIFAR-10. */
const official: OfficialPredictorSettings = {
  dataset_name: 'cifar10',
  img_resolution: 32,
  num_steps: 4,
  sampler_stu: 'ipndm',
  sampler_tea: 'ipndm',
  M: 2,
  schedule_type: 'polynomial',
  schedule_rho: 7,
  afs: true,
  scale_dir: 0.01,
  scale_time: 0.2,
  max_order: 4,
  predict_x0: true,
  lower_order_final: true,
  guidance_type: null,
  guidance_rate: null,
};

it.each<[Partial<OfficialPredictorSettings>, object, object]>([
  [{}, { type: 'polynomial', rho: 7 }, { solver: 'ipndm', max_order: 4 }],
  [
    { sampler_stu: 'dpmpp', max_order: 2, predict_x0: false, schedule_type: 'logsnr' },
    { type: 'logsnr' },
    { solver: 'dpmpp', max_order: 2, predict_x0: false, lower_order_final: true },
  ],
  [
    { sampler_stu: 'dpmpp', max_order: 2, schedule_type: 'logsnr' },
    { type: 'logsnr' },
    {
      ...{ solver: 'dpmpp', max_order: 2, predict_x0: true },
      ...{ thresholding: 'dynamic', lower_order_final: true },
    },
  ],
  [{ sampler_stu: 'euler', guidance_type: 'none' }, { type: 'polynomial', rho: 7 }, { solver: 'euler' }],
])('%j are those that the student reads', (changes, schedule, method) => {
  expect(officialSettings({ ...official, ...changes })).toEqual({
    schedule,
    student: { ...method, num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0.2 },
  });
});

it.each([
  ['cfg', 7.5, { type: 'cfg', rate: 7.5 }],
  ['cg', 4, { type: 'cg', rate: 4 }],
  ['uncond', 1, { type: 'uncond' }],
])('tells its guidance %s', (guidance_type, guidance_rate, guidance) => {
  const changes = { schedule_type: 'discrete', schedule_rho: 1, guidance_type, guidance_rate };
  expect(officialSettings({ ...official, ...changes })).toMatchObject({
    guidance,
    schedule: { type: 'discrete', rho: 1 },
  });
});
