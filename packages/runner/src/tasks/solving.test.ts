import type { ScheduleFamily } from '@fewstep/schedules';
import { expect, it } from 'vitest';
import { timesOf } from './solving.js';

const times = (schedule: { readonly type: string }, family?: ScheduleFamily) => ({
  declared: { method: undefined, family },
  schedule,
  table: undefined,
  numSteps: 4,
  sigmaMin: 0.002,
  sigmaMax: 80,
  solvedAt: undefined,
});

it('gives a teacher the timestamps of its student, where these are sought', () => {
  const sought = times({ type: 'dmn', p: 1 } as { readonly type: string });
  const [student, teacher] = [timesOf(sought), timesOf(sought, 10)];
  expect(teacher).toHaveLength(10);
  expect([...teacher.filter((_, i) => i % 3 === 0)]).toEqual([...student]);
});

it('refuses a schedule of the user’s own whose finer levels miss the student’s', () => {
  const family = {
    name: 'crowded',
    spacing: '',
    options: {},
    levels: ({ numSteps }: { readonly numSteps: number }) =>
      Float64Array.from({ length: numSteps }, (_, i) => 80 / (1 + numSteps * i)),
  };
  const own = (declared: ScheduleFamily) => times({ type: 'crowded' }, declared);
  expect(timesOf(own(family))).toHaveLength(4);
  expect(() => timesOf(own(family), 7)).toThrow(
    expect.objectContaining({
      code: 'E_SCHEDULE',
      message: expect.stringMatching(
        /crowded schedule must pass through its 4.* level 1 is 16; found 5\.3.*isWhole/,
      ),
    }),
  );
  const whole = timesOf(own({ ...family, isWhole: true }), 7);
  expect([...whole.filter((_, i) => i % 2 === 0)]).toEqual([...timesOf(own(family))]);
});
