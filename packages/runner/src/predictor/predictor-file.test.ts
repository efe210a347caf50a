import { readFile } from 'node:fs/promises';
import { readSafetensorsMetadata, type Tensors, writeSafetensors } from '@fewstep/models';
import { initPredictor, placement } from '@fewstep/solvers';
import { describe, expect, it } from 'vitest';
import { parsePredictor } from './parse-predictor.js';
import { completed, formatPredictor, predictorFormat } from './predictor-file.js';
import { trainingSettings } from './predictor-settings.js';

const scales = { scale_dir: 0.01, scale_time: 0.2 };
type Params = Parameters<typeof trainingSettings>[0];

const params: Params = {
  method: {
    solver: 'dpmpp',
    max_order: 2,
    predict_x0: false,
    lower_order_final: true,
    scale_dir: 0.01,
    scale_time: 0.2,
  },
  schedule: { type: 'polynomial', rho: 7 },
  numSteps: 4,
  sigmaMin: 0.002,
  sigmaMax: 80,
  afs: true,
  teacher: { solver: 'heun' },
  M: 2,
  batch: 32,
  lr: 0.005,
  seed: 3,
  seeds: [2 ** 31, 2 ** 31 + 1023],
};
const predictor = initPredictor({ seed: 3, outputs: placement({ scale_dir: 0.01, scale_time: 0.2 }) });
const file = (changes: Partial<Params> = {}) =>
  formatPredictor(predictor, trainingSettings({ ...params, ...changes }));

describe('the file of a predictor', () => {
  it('says under the spec’s names how it was trained', () => {
    const sections = Object.entries(readSafetensorsMetadata(file())).map(([name, section]) => [
      name,
      JSON.parse(section),
    ]);
    expect(Object.fromEntries(sections)).toEqual({
      format: predictorFormat,
      schedule: { type: 'polynomial', rho: 7 },
      student: {
        solver: 'dpmpp',
        max_order: 2,
        predict_x0: false,
        lower_order_final: true,
        num_steps: 4,
        afs: true,
        scale_dir: 0.01,
        scale_time: 0.2,
      },
      teacher: { solver: 'heun', M: 2 },
      dataset: { sigma_min: 0.002, sigma_max: 80 },
      train: { total_kimg: 1.024, batch: 32, lr: 0.005, loss_weight: 'official', seed: 3 },
    });
  });

  const tensors = Object.fromEntries(
    Object.entries(predictor.weights).map(([name, weight]) => [name, { dtype: 'F32', ...weight }]),
  ) as Tensors;
  /** As files were before they told their format. */
  const early = {
    schedule: '{"type":"polynomial","rho":7}',
    student:
      '{"solver":"dpmpp","max_order":2,"predict_x0":false,"lower_order_final":true,"num_steps":4,"afs":true,"scale_dir":0.01,"scale_time":0.2}',
    teacher: '{"solver":"heun","M":2}',
    dataset: '{"sigma_min":0.002,"sigma_max":80}',
    train: '{"total_kimg":1.024,"batch":32,"lr":0.005,"loss_weight":"official","seed":3}',
  };

  it('is read where it doesn’t tell its format', async () => {
    expect((await parsePredictor(writeSafetensors(tensors, early))).settings).toEqual(
      trainingSettings(params),
    );
  });

  it.each(['4', '99', '1.5', 'x', ''])('is refused of format %j', async (format) => {
    await expect(parsePredictor(writeSafetensors(tensors, { ...early, format }))).rejects.toMatchObject({
      code: 'E_PREDICTOR',
      message: expect.stringMatching(/reads up to 3/),
    });
  });

  it('has the options that came after it as they were in its time, and unknown ones of none', async () => {
    const added = [{ lastWithout: 1, section: 'student', option: 'churn', value: 0 }] as const;
    expect(completed({ student: { afs: true } }, 1, added)).toEqual({ student: { afs: true, churn: 0 } });
    expect(completed({ student: { afs: true } }, 2, added)).toEqual({ student: { afs: true } });
    const student = early.student.replace('}', ',"churn":0}');
    const strange = writeSafetensors(tensors, { ...early, format: '1', student });
    await expect(parsePredictor(strange)).rejects.toMatchObject({
      code: 'E_PREDICTOR',
      message: expect.stringMatching(/churn/),
    });
  });

  it.each(['0', '1'])('was thresholded where it predicts the image and is of format %s', async (format) => {
    const ofOld = async (student: string, teacher: string) =>
      (await parsePredictor(writeSafetensors(tensors, { ...early, format, student, teacher }))).settings;
    const student = early.student.replace('"predict_x0":false', '"predict_x0":true');
    const teacher = '{"solver":"unipc","max_order":2,"predict_x0":true,"M":2}';
    expect(await ofOld(student, teacher)).toMatchObject({
      student: { predict_x0: true, thresholding: 'dynamic' },
      teacher: { thresholding: 'dynamic' },
    });
    expect((await ofOld(early.student, early.teacher)).student).not.toHaveProperty('thresholding');
  });

  it('gives back what it was made of', async () => {
    const read = await parsePredictor(file());
    expect(read.settings).toEqual(trainingSettings(params));
    expect(read.predictor.weights).toEqual(predictor.weights);
    expect(read.predictor.outputs.map(({ name }) => name)).toEqual(['r', 'scale_dir', 'scale_time']);
  });

  it('says what it was trained on where that has a name', async () => {
    const named = file({ dataset: 'digits' });
    const section = JSON.parse(readSafetensorsMetadata(named).dataset!);
    expect(section).toEqual({ name: 'digits', sigma_min: 0.002, sigma_max: 80 });
    const { dataset, settings } = await parsePredictor(named);
    expect([dataset, settings]).toEqual(['digits', trainingSettings(params)]);
    expect(await parsePredictor(file({ dataset: '@lab/my-faces' }))).toMatchObject({
      dataset: '@lab/my-faces',
    });
    expect(await parsePredictor(file())).not.toHaveProperty('dataset');
    const other = parsePredictor(file({ dataset: '../digits' }));
    await expect(other).rejects.toMatchObject({
      code: 'E_PREDICTOR',
      message: expect.stringMatching(/^its dataset\.name is "\.\.\/digits"/),
    });
  });

  it.each<Partial<Params>>([
    { method: { solver: 'amed', ...scales }, schedule: { type: 'logsnr' } },
    { method: { solver: 'euler', ...scales }, schedule: { type: 'time_uniform', rho: 1 }, afs: false },
    { schedule: { type: 'explicit', sigmas: [80, 9.7, 0.47, 0.002] } },
    { lossWeight: 'end_to_end' },
    { method: { ...params.method, predict_x0: true, thresholding: 'none' } },
    { method: { solver: 'dpm', ...scales }, teacher: { solver: 'dpm', r: 0.5 } },
    { schedule: { type: 'discrete', rho: 1 }, guidance: { type: 'cfg', rate: 7.5 } },
    { guidance: { type: 'cg', rate: 4 } },
    { guidance: { type: 'uncond' } },
    {
      method: { solver: 'ipndm', max_order: 4, ...scales },
      teacher: { solver: 'deis', max_order: 3, deis_mode: 'tab' },
    },
  ])('holds the settings of %j', async (changes) => {
    expect((await parsePredictor(file(changes))).settings).toEqual(
      trainingSettings({ ...params, ...changes }),
    );
  });
});

describe('a file that is no predictor of ours', () => {
  const whole = trainingSettings(params);
  const tensors: Tensors = Object.fromEntries(
    Object.entries(predictor.weights).map(([name, { shape, data }]) => [name, { dtype: 'F32', shape, data }]),
  );
  const metadata = Object.fromEntries(
    Object.entries(whole).map(([name, section]) => [name, JSON.stringify(section)]),
  );
  const withStudent = (student: object) => ({
    ...metadata,
    student: JSON.stringify({ ...whole.student, ...student }),
  });

  it.each<[string, Tensors, Record<string, string>, RegExp]>([
    [
      'says nothing',
      tensors,
      {},
      /this file has no schedule, no student, no teacher, no dataset, no train\./,
    ],
    ['says more', tensors, { ...metadata, sample: '{}' }, /this file has "sample" too/],
    [
      'says too little of guidance',
      tensors,
      { ...metadata, guidance: '{"type":"cfg"}' },
      /guidance\.rate: missing/,
    ],
    ['holds no JSON', tensors, { ...metadata, teacher: '{' }, /metadata "teacher" is no JSON map/],
    [
      'nests without end',
      tensors,
      { ...metadata, train: `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}` },
      /"train" is no JSON map/,
    ],
    ['leaves a default out', tensors, withStudent({ afs: undefined }), /^student\.afs: missing\.$/],
    [
      'leaves an option out',
      tensors,
      withStudent({ max_order: undefined }),
      /^student\.max_order: missing\.$/,
    ],
    ['has an option that nothing reads', tensors, withStudent({ r: 0.5 }), /^student\.r: nothing reads it/],
    [
      'says nothing of bounds',
      tensors,
      { ...withStudent({ predict_x0: true }), format: '2' },
      /^student\.thresholding: missing\.$/,
    ],
    [
      'has bounds for a slope',
      tensors,
      withStudent({ thresholding: 'dynamic' }),
      /^student\.thresholding: nothing reads it/,
    ],
    [
      'names a search',
      tensors,
      {
        ...metadata,
        schedule: '{"type":"gits","metric":"l1","coeff":1,"num_warmup":8,"num_steps_tea":9,"rho":7}',
      },
      /^schedule\.type: gits is a search/,
    ],
    [
      'has what no training decides',
      tensors,
      withStudent({ denoise_to_zero: true }),
      /^student\.denoise_to_zero: nothing/,
    ],
    ['has an unknown key', tensors, withStudent({ steps: 4 }), /^student\.steps: unknown key/],
    ['has a method without predictor', tensors, withStudent({ solver: 'heun' }), /heun has no predictor/],
    [
      'has several faults',
      tensors,
      withStudent({ afs: 1, num_steps: 0 }),
      /student\.num_steps: found 0.* student\.afs: found 1/,
    ],
    [
      'has weights of other settings',
      tensors,
      withStudent({ scale_time: 0 }),
      /fc_scale_time\.\w+ not at all/,
    ],
    ['lacks weights', {}, metadata, /has map_layer0\.weight \[8,8\]; found none/],
    [
      'has weights of another type',
      { ...tensors, 'fc_r.bias': { dtype: 'F64', shape: [1], data: new Float64Array(1) } },
      metadata,
      /weight fc_r\.bias is F64/,
    ],
  ])('%s', async (_, weights, entries, message) => {
    await expect(parsePredictor(writeSafetensors(weights, entries))).rejects.toMatchObject({
      code: 'E_PREDICTOR',
      message: expect.stringMatching(message),
    });
  });
});

describe('a predictor of the official training', () => {
  const path = new URL('../../../models/fixtures/official-predictor.pkl', import.meta.url);

  it('says what a spec would', async () => {
    const { dataset, settings, predictor } = await parsePredictor(await readFile(path));
    expect(dataset).toBe('digits');
    expect(settings).toEqual({
      schedule: { type: 'time_uniform', rho: 1 },
      student: { solver: 'amed', num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0 },
    });
    expect(predictor.outputs.map(({ name }) => name)).toEqual(['r', 'scale_dir']);
    expect(predictor.outputs[1]!.range.at(100)).toBe(1.01);
    expect(predictor.weights['map_layer0.weight']!.shape).toEqual([8, 8]);
  });

  it('is refused where its weights are not those of its settings', async () => {
    const text = (await readFile(path)).toString('latin1');
    const other = text.replace('\x8c\x0cfc_scale_dir', '\x8c\x0dfc_scale_time');
    await expect(parsePredictor(Buffer.from(other, 'latin1'))).rejects.toMatchObject({
      code: 'E_PREDICTOR',
      message: expect.stringMatching(/fc_scale_dir\.weight/),
    });
  });
});
