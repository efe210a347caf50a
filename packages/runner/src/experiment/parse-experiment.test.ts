import { fileURLToPath } from 'node:url';
import { generators, methods, steered } from '@fewstep/solvers/methods';
import { describe, expect, it } from 'vitest';
import { parseExperiment, type SpecOptions } from './parse-experiment.js';
import { SpecError } from './problem.js';

/** What a student may be, and what tables may be told. */
const solvers = [...new Set([methods, steered, generators].flatMap(Object.keys))].sort().join(', ');
const optionsIn = (all: Readonly<Record<string, { readonly options: object }>>) =>
  Object.values(all).flatMap(({ options }) => Object.keys(options));
const ofMethods = [...optionsIn(methods), ...optionsIn(steered)];
const optionsOfTables = [...new Set(optionsIn(generators))]
  .filter((key) => !ofMethods.includes(key))
  .join(', ');

const options: SpecOptions = { cwd: '/home/me', models: '/models' };
const parse = (text: string, more: SpecOptions = {}) =>
  parseExperiment(text, 'a.yaml', { ...options, ...more });

/** The lines of the error, without the file's name. */
async function problems(text: string, set: readonly string[] = []): Promise<string[]> {
  try {
    await parse(text, { set });
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    expect(error).toMatchObject({ code: 'E_SPEC', exitCode: 2 });
    expect(error.message).toBe(error.problems.map(({ message }) => message).join('\n'));
    return error.problems.map(({ message }) => message.replace(/^a\.yaml:/, '').replace('E_SPEC ', ''));
  }
  return [];
}

interface Parts {
  readonly name?: string;
  readonly dataset?: string;
  readonly schedule?: string;
  readonly student?: string;
  readonly [key: string]: string | undefined;
}

/** A sound spec with some of its lines replaced: line 1 name, 2 dataset, 3 schedule, 4 student, then the others. */
const spec = (parts: Parts = {}): string =>
  Object.entries({
    name: 'test',
    dataset: 'cifar10',
    schedule: '{ type: polynomial }',
    student: '{ solver: amed, num_steps: 4 }',
    ...parts,
  })
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n');

const plain = (student: string, parts: Parts = {}) => spec({ student, train: 'false', ...parts });

describe('a spec of one point', () => {
  it('has every default filled in', async () => {
    expect(await parse(spec())).toMatchObject({
      name: 'test',
      file: '/home/me/a.yaml',
      points: [
        {
          label: 'amed',
          settings: {},
          dataset: { checkpoint: '/models/edm-cifar10-32x32-uncond-vp.pkl', sigmaMin: 0.002, sigmaMax: 80 },
          sampler: {
            method: { solver: 'amed', scale_dir: 0.01, scale_time: 0 },
            evaluations: 2,
            schedule: { type: 'polynomial', rho: 7 },
            numSteps: 4,
            afs: false,
          },
          train: {
            teacher: { method: { solver: 'heun' }, evaluations: 2 },
            M: 1,
            images: 10_112,
            batch: 128,
            lr: 0.005,
            lossWeight: 'official',
            seed: 0,
          },
          reference: {
            method: { solver: 'heun' },
            evaluations: 2,
            schedule: { type: 'polynomial', rho: 7 },
            numSteps: 18,
            afs: false,
            denoiseToZero: true,
          },
          evaluate: [],
          seeds: [[0, 63]],
          batch: 64,
          rng: 'torch-cpu',
          classes: 'random',
          grid: { columns: 8, rows: 8 },
        },
      ],
    });
  });

  const pointOf = async (text: string) => (await parse(text)).points[0]!;

  it.each([
    ['{ solver: dpm, num_steps: 4 }', { solver: 'dpm', r: 0.5 }],
    ['{ solver: dpm, num_steps: 4, r: 0.3 }', { solver: 'dpm', r: 0.3 }],
    ['{ solver: ipndm, num_steps: 4 }', { solver: 'ipndm', max_order: 4 }],
    [
      '{ solver: dpmpp, num_steps: 4 }',
      { solver: 'dpmpp', max_order: 3, predict_x0: true, lower_order_final: true },
    ],
    ['{ solver: ipndm_v, num_steps: 4, max_order: 3 }', { solver: 'ipndm_v', max_order: 3 }],
    ['{ solver: deis, num_steps: 4 }', { solver: 'deis', max_order: 4, deis_mode: 'tab' }],
    [
      '{ solver: deis, num_steps: 4, max_order: 2, deis_mode: rhoab }',
      { solver: 'deis', max_order: 2, deis_mode: 'rhoab' },
    ],
    [
      '{ solver: unipc, num_steps: 4 }',
      { solver: 'unipc', max_order: 3, predict_x0: true, lower_order_final: true, variant: 'bh2' },
    ],
    [
      '{ solver: unipc, num_steps: 4, variant: bh1, predict_x0: false, lower_order_final: false }',
      { solver: 'unipc', max_order: 3, predict_x0: false, lower_order_final: false, variant: 'bh1' },
    ],
    [
      '{ solver: unipc, num_steps: 4, thresholding: none }',
      {
        ...{ solver: 'unipc', max_order: 3, predict_x0: true, thresholding: 'none' },
        ...{ lower_order_final: true, variant: 'bh2' },
      },
    ],
    ['{ solver: heun, num_steps: 4 }', { solver: 'heun' }],
  ])('%s is a method with exactly its options', async (student, method) => {
    expect((await pointOf(plain(student))).sampler.method).toEqual(method);
    expect((await pointOf(plain(student))).train).toBe(false);
  });

  it('searches a schedule as it is told', async () => {
    const schedule = async (text: string) => (await pointOf(spec({ schedule: text }))).sampler.schedule;
    expect(await schedule('{ type: gits }')).toEqual({
      type: 'gits',
      metric: 'l1',
      coeff: 1,
      num_warmup: 256,
      num_steps_tea: 61,
      rho: 7,
    });
    expect(
      await schedule('{ type: gits, metric: dev, coeff: 1.15, num_warmup: 64, num_steps_tea: 21, rho: 5 }'),
    ).toEqual({ type: 'gits', metric: 'dev', coeff: 1.15, num_warmup: 64, num_steps_tea: 21, rho: 5 });
  });

  it('trains on a given list too', async () => {
    const { sampler, train } = await pointOf(
      spec({ schedule: '{ type: explicit, sigmas: [80, 5, 1, 0.5] }' }),
    );
    expect(sampler.schedule).toEqual({ type: 'explicit', sigmas: [80, 5, 1, 0.5] });
    expect(train).toMatchObject({ M: 1 });
  });

  it('gives a teacher of the student’s own method the student’s options, as far as it has none', async () => {
    const student = '{ solver: dpmpp, num_steps: 4, max_order: 2, predict_x0: false }';
    expect((await pointOf(spec({ student, teacher: '{ max_order: 3 }' }))).train).toMatchObject({
      teacher: { method: { solver: 'dpmpp', max_order: 3, predict_x0: false, lower_order_final: true } },
    });
    const bounded = '{ solver: dpmpp, num_steps: 4, thresholding: dynamic }';
    expect((await pointOf(spec({ student: bounded }))).train).toMatchObject({
      teacher: { method: { predict_x0: true, thresholding: 'dynamic' } },
    });
    const slope = await pointOf(spec({ student: bounded, teacher: '{ predict_x0: false }' }));
    expect(slope.train).not.toHaveProperty('teacher.method.thresholding');
    expect((await pointOf(spec({ student, teacher: '{ solver: ipndm, M: 3 }' }))).train).toMatchObject({
      teacher: { method: { solver: 'ipndm', max_order: 4 } },
      M: 3,
    });
  });

  it('has teachers that are no students', async () => {
    const teacher = async (options: string) => (await pointOf(spec({ teacher: options }))).train;
    expect(await teacher('{ solver: deis, max_order: 3 }')).toMatchObject({
      teacher: { method: { solver: 'deis', max_order: 3, deis_mode: 'tab' } },
    });
    expect(await teacher('{ solver: unipc, variant: bh1 }')).toMatchObject({
      teacher: { method: { solver: 'unipc', max_order: 3, variant: 'bh1' } },
    });
    expect(await teacher('{ solver: ipndm_v }')).toMatchObject({
      teacher: { method: { solver: 'ipndm_v', max_order: 4 } },
    });
  });

  it.each([
    ['{ rng: torch-cuda }', { rng: 'torch-cuda', classes: 'random' }],
    ['{ classes: 3 }', { rng: 'torch-cpu', classes: [3] }],
    ['{ classes: [7, 0, 7] }', { classes: [7, 0, 7] }],
    ['{ classes: random }', { classes: 'random' }],
  ])('draws as told: %s', async (sample, drawn) => {
    expect(await pointOf(spec({ sample }))).toMatchObject(drawn);
  });

  it('leaves the middle point of a trained dpm to the predictor', async () => {
    const { sampler, train } = await pointOf(
      spec({ student: '{ solver: dpm, num_steps: 4 }', teacher: '{ r: 0.4 }' }),
    );
    expect(sampler.method).toEqual({ solver: 'dpm', scale_dir: 0.01, scale_time: 0 });
    expect(train).toMatchObject({ teacher: { method: { solver: 'dpm', r: 0.4 } } });
  });

  it.each([
    ['{ total_kimg: 1, batch: 32 }', 1024],
    ['{ total_kimg: 1.1, batch: 100 }', 1100],
    ['{ total_kimg: 0.0001, batch: 8 }', 8],
  ])('trains on whole batches: %s', async (train, images) => {
    expect((await pointOf(spec({ train }))).train).toMatchObject({ images });
  });

  it('reads paths relative to the spec', async () => {
    const dataset =
      '{ checkpoint: m/x.pkl, sigma_max: 40, reference_data: /data, feature_network: ../f.pth, feature_resize: pytorch }';
    expect((await parseExperiment(spec({ dataset }), 'sub/a.yaml', options)).points[0]!.dataset).toEqual({
      checkpoint: '/home/me/sub/m/x.pkl',
      sigmaMax: 40,
      referenceData: '/data',
      featureNetwork: '/home/me/f.pth',
      featureResize: 'pytorch',
    });
  });

  it('keeps a reference of its own', async () => {
    expect(
      (
        await pointOf(
          spec({
            reference: '{ solver: ipndm, num_steps: 60, schedule: { type: time_uniform } }',
            evaluate: '[rmse_to_teacher]',
          }),
        )
      ).reference,
    ).toEqual({
      method: { solver: 'ipndm', max_order: 4 },
      evaluations: 1,
      schedule: { type: 'time_uniform', rho: 1 },
      numSteps: 60,
      afs: false,
      denoiseToZero: false,
    });
  });
});

describe('the grid', () => {
  it('is the product in the order written, the last fastest', async () => {
    const { points } = await parse(
      spec({ grid: '{ student.solver: [amed, ipndm], student.num_steps: [3, 4, 5] }' }),
    );
    expect(points.map(({ label }) => label)).toEqual([
      'amed, num_steps 3',
      'amed, num_steps 4',
      'amed, num_steps 5',
      'ipndm, num_steps 3',
      'ipndm, num_steps 4',
      'ipndm, num_steps 5',
    ]);
    expect(points[4]).toMatchObject({
      settings: { 'student.solver': 'ipndm', 'student.num_steps': 4 },
      sampler: { method: { solver: 'ipndm' }, numSteps: 4 },
    });
  });

  it('merges maps of points into the base and takes false for what it is', async () => {
    const grid = `
  points:
    - { label: AMED, teacher.M: 2 }
    - { student: { solver: euler, num_steps: 6 }, train: false }
    - { student: { solver: dpmpp, max_order: 2 }, schedule: { type: logsnr } }`;
    const { points } = await parse(spec({ student: '{ solver: amed, num_steps: 4, afs: true }', grid }));
    expect(
      points.map(({ label, sampler: { method, numSteps, afs } }) => ({ label, method, numSteps, afs })),
    ).toEqual([
      { label: 'AMED', method: { solver: 'amed', scale_dir: 0.01, scale_time: 0 }, numSteps: 4, afs: true },
      {
        label: 'euler, num_steps 6, plain, type polynomial',
        method: { solver: 'euler' },
        numSteps: 6,
        afs: true,
      },
      {
        label: 'dpmpp, num_steps 4, max_order 2, type logsnr',
        method: {
          solver: 'dpmpp',
          scale_dir: 0.01,
          scale_time: 0,
          max_order: 2,
          predict_x0: true,
          lower_order_final: true,
        },
        numSteps: 4,
        afs: true,
      },
    ]);
    expect(points.map(({ train }) => (train ? train.M : false))).toEqual([2, false, 1]);
    expect(points[1]!.settings).toEqual({ 'student.solver': 'euler', 'student.num_steps': 6, train: false });
  });

  it('names paths in full where their last word is not enough', async () => {
    const { points } = await parse(
      spec({
        grid: '{ student.solver: [euler, dpm], teacher.solver: [heun, dpm], dataset: [ffhq, cifar10] }',
      }),
    );
    expect(points[1]!.label).toBe('euler, teacher.solver heun, cifar10');
  });

  it('never calls a teacher’s method just solver', async () => {
    const { points } = await parse(spec({ grid: '{ teacher.solver: [heun, dpm] }' }));
    expect(points.map(({ label }) => label)).toEqual(['teacher.solver heun', 'teacher.solver dpm']);
  });

  it('takes as many as 10,000 points', async () => {
    const list = (first: number) => `[${Array.from({ length: 100 }, (_, i) => first + i).join(', ')}]`;
    const text = spec({ grid: `{ train.seed: ${list(0)}, student.num_steps: ${list(2)} }` });
    expect((await parse(text)).points.length).toBe(10_000);
    expect(await problems(text.replace('[0,', '[100, 0,'))).toEqual([
      '5:1 grid: 10100 points, more than the 10000 that one experiment may have: split it, or list the points that matter.',
    ]);
  });

  it.each([
    [
      '{}',
      [
        '5:7 grid: found an empty map, expected paths with lists of values, as student.num_steps: [3, 4], or points.',
      ],
    ],
    [
      '[3]',
      [
        '5:7 grid: found a list, expected paths with lists of values, as student.num_steps: [3, 4], or points.',
      ],
    ],
    ['{ student.num_steps: 4 }', ['5:28 grid.student.num_steps: found 4, expected a list of values.']],
    [
      '{ student.num_steps: [] }',
      [
        '5:28 grid.student.num_steps: the list is empty, so there is no point at all: give it values, or remove the path.',
      ],
    ],
    [
      '{ student.num_step: [4] }',
      ['5:9 grid.student.num_step: names no key of the spec; did you mean "student.num_steps"?'],
    ],
    ['{ name: [a, b] }', ['5:9 grid.name: name is the experiment’s, the same for every point.']],
    [
      '{ points: [] }',
      ['5:17 grid.points: found an empty list, expected a list of points, each a map of paths to values.'],
    ],
    ['{ points: [3] }', ['5:18 grid.points: found 3, expected a map of paths to values.']],
    [
      '{ points: [{ lable: x, train.lr: 1 }] }',
      ['5:20 grid.points.lable: names no key of the spec; did you mean "label"?'],
    ],
    ['{ points: [{ label: 3 }] }', ['5:27 grid.points.label: found 3, expected text of 1 to 100 letters.']],
    [
      '{ points: [{ label: x }, { label: x, train.lr: 1 }] }',
      ['5:41 grid.points.label: "x" is the label of another point, in line 5: a label names one.'],
    ],
    [
      '{ points: [{ train.lr: 1 }], train.lr: [1] }',
      [
        '5:9 grid.points: a grid is either points or the product of paths, not both: move the paths into the points.',
      ],
    ],
    [
      '{ points: [{ train.lr: 1, train: { lr: 2 } }] }',
      ['5:42 train.lr: this point gives it twice: remove one of them.'],
    ],
    [
      '{ student.num_steps: [3, 4, 3] }',
      [
        '5:35 student.num_steps: 3 makes the same point as "num_steps 3" does: remove it, or list under grid.points the combinations that differ.',
      ],
    ],
    [
      '{ points: [{ train.lr: 1 }, { label: b, train.lr: 1 }] }',
      [
        '5:35 grid.points: this point makes the same point as "amed" does: remove it, or list under grid.points the combinations that differ.',
      ],
    ],
    [
      '{ dataset.sigma_max: [40] }',
      ['5:29 dataset.sigma_max: dataset is "cifar10" here, so it has no sigma_max: give dataset as a map.'],
    ],
  ])('refuses %s', async (grid, expected) => {
    // The grid begins in column 7 of line 5.
    expect(await problems(spec({ grid }))).toEqual(expected);
  });

  it('reports a problem of the base once, one of the grid at its value', async () => {
    expect(
      await problems(
        spec({
          student: '{ solver: amed, num_steps: 4, afs: yes }',
          grid: '{ student.solver: [amed, huen, ipndm], student.num_steps: [1, 4] }',
        }),
      ),
    ).toEqual([
      '4:45 student.afs: found "yes", expected true or false.',
      `5:32 student.solver: "huen" is no student; did you mean "heun"? One of ${solvers}.`,
      '5:66 student.num_steps: found 1, expected an integer from 2 to 1001.',
    ]);
  });
});

describe('values that are wrong', () => {
  it.each<[Parts, string[]]>([
    [
      { name: '../x' },
      ['1:7 name: found "../x", expected a name of letters, digits, dots and dashes, as digits-5-nfe.'],
    ],
    [
      { dataset: 'cifar' },
      [
        '2:10 dataset: "cifar" is no dataset; did you mean "cifar10"? One of afhqv2, cifar10, digits, emoji, ffhq, ffhq_ldm, imagenet256, imagenet64, lsun_bedroom, lsun_bedroom_ldm, ms_coco, or a map with checkpoint.',
      ],
    ],
    [
      { dataset: '{ sigma_min: 1 }' },
      [
        '2:1 dataset.checkpoint: missing; write the file of its network, or as name a dataset that has one. The denoiser, relative to the spec: a file of EDM (.pkl), Consistency Models, ADM (.pt), latent diffusion or Stable Diffusion (.ckpt, .safetensors), a folder in diffusers’ layout, any network as ONNX (.onnx) with onnx beside, or a folder of ONNX files, as Optimum and fewstep models export write it.',
      ],
    ],
    [
      { schedule: '{ type: poly }' },
      [
        '3:19 schedule.type: "poly" is no schedule; did you mean "polynomial"? One of ays, discrete, dmn, explicit, gits, logsnr, polynomial, time_uniform.',
      ],
    ],
    [
      { student: '{ solver: amed, num_steps: three }' },
      ['4:37 student.num_steps: found "three", expected an integer from 2 to 1001.'],
    ],
    [
      { student: '{ solver: amed, num_steps: 4.5 }' },
      ['4:37 student.num_steps: found 4.5, expected an integer from 2 to 1001.'],
    ],
    [
      { student: '{ solver: amed, num_steps: 1 }' },
      ['4:37 student.num_steps: found 1, expected an integer from 2 to 1001.'],
    ],
    [
      { student: '{ solver: amed }' },
      [
        '4:1 student.num_steps: missing; write an integer from 2 to 1001. Timestamps of the schedule, so num_steps − 1 intervals.',
      ],
    ],
    [
      { student: '' },
      [
        `4:10 student: found nothing, expected a map with solver, num_steps, and maybe start, afs, denoise_to_zero, steering, bottleneck, scale_dir, scale_time, max_order, predict_x0, thresholding, lower_order_final, r, variant, deis_mode, ${optionsOfTables}.`,
      ],
    ],
    [
      { student: '{ solver: amed, num_steps: 4, scale_time: 1 }' },
      ['4:52 student.scale_time: found 1, expected a number of at least 0, below 1.'],
    ],
    [{ teacher: '{ solver: dpm, r: 1 }' }, ['5:28 teacher.r: found 1, expected a number above 0, below 1.']],
    [
      { student: '{ solver: [amed], num_steps: 4 }' },
      [`4:20 student.solver: found a list, expected a name. One of ${solvers}.`],
    ],
    [
      { train: 'true' },
      [
        '5:8 train: found true, expected false or a map with total_kimg, batch, lr, loss_weight, seed, validation, images, final_rounds, contrast, match_energy, loss, feature_network, feature_weight.',
      ],
    ],
    [{ train: '{ lr: .nan }' }, ['5:14 train.lr: found NaN, expected a number above 0.']],
    [{ train: '{ batch: }' }, ['5:17 train.batch: found nothing, expected an integer from 1 to 65536.']],
    [
      { train: '{ learning: 1 }' },
      [
        '5:10 train.learning: unknown key. One of total_kimg, batch, lr, loss_weight, seed, validation, images, final_rounds, contrast, match_energy, loss, feature_network, feature_weight.',
      ],
    ],
    [
      { train: '{ num_steps: 4 }' },
      [
        '5:10 train.num_steps: unknown key; did you mean "teacher.num_steps" or "student.num_steps" or "reference.num_steps"? One of total_kimg, batch, lr, loss_weight, seed, validation, images, final_rounds, contrast, match_energy, loss, feature_network, feature_weight.',
      ],
    ],
    [
      { lr: '0.01' },
      [
        '5:1 lr: unknown key; did you mean "train.lr"? One of name, dataset, schedule, guidance, teacher, student, train, predictor, sampler, sample, reference, evaluate, published, grid.',
      ],
    ],
    [
      { 'train.lr': '0.01' },
      ['5:1 train.lr: unknown key; outside the grid paths are nested: train: { lr: … }.'],
    ],
    [
      { sample: '{ seeds: 0-10,12 }' },
      [
        '5:23 sample.12: unknown key; within { } a comma ends a value: put text with commas in quotes. One of seeds, repeats, batch, grid, paths, rng, classes, tuned_on.',
      ],
    ],
    [
      { sample: '{ seeds: "0-10,5" }' },
      ['5:18 sample.seeds: seed 5 is there twice; each seed is one image.'],
    ],
    [
      { sample: '{ seeds: some }' },
      ['5:18 sample.seeds: "some" is neither a seed nor a range; write 0-49999 or 1,2,5-10.'],
    ],
    [
      { sample: '{ seeds: [1, 2] }' },
      ['5:18 sample.seeds: found a list, expected text such as 0-49999 or an integer of at least 0.'],
    ],
    [
      { sample: '{ rng: cuda }' },
      ['5:16 sample.rng: "cuda" is no generator; did you mean "torch-cuda"? One of torch-cpu, torch-cuda.'],
    ],
    [
      { sample: '{ classes: all }' },
      ['5:20 sample.classes: found "all", expected random or a class from 0 or a list of classes.'],
    ],
    [{ sample: '{ classes: -1 }' }, ['5:20 sample.classes: found -1, expected a class from 0.']],
    [
      { sample: '{ classes: [] }' },
      ['5:20 sample.classes: found an empty list, expected a list of classes.'],
    ],
    [{ sample: '{ classes: [0, one] }' }, ['5:24 sample.classes: found "one", expected a class from 0.']],
    [{ sample: '{ grid: 8 }' }, ['5:17 sample.grid: found 8, expected text such as 8x8.']],
    [
      { evaluate: '[fdi]' },
      [
        '5:12 evaluate: "fdi" is no metric. One of clip_score, fid, kid, prdc, psnr_to_teacher, rmse_to_teacher.',
      ],
    ],
    [
      { evaluate: '[rmse_to_teacher, rmse_to_teacher]' },
      ['5:29 evaluate: "rmse_to_teacher" is there twice.'],
    ],
    [
      { evaluate: '{ fid: 1 }' },
      [
        '5:11 evaluate: found a map, expected a list, each one of clip_score, fid, kid, prdc, psnr_to_teacher, rmse_to_teacher.',
      ],
    ],
    [
      { evaluate: 'fid' },
      [
        '5:11 evaluate: found "fid", expected a list, each one of clip_score, fid, kid, prdc, psnr_to_teacher, rmse_to_teacher; a list is written [fid].',
      ],
    ],
    [
      { "'a\\nb'": '1' },
      [
        '5:1 "a\\\\nb": unknown key. One of name, dataset, schedule, guidance, teacher, student, train, predictor, sampler, sample, reference, evaluate, published, grid.',
      ],
    ],
  ])('%j', async (parts, expected) => {
    expect(await problems(spec(parts))).toEqual(expected);
  });

  it('come all at once, in the order of the file', async () => {
    expect(
      await problems(
        'name: a b\nschedule: { type: polynomial, rho: -1 }\nstudent: { solver: amed, num_steps: 4 }\nname: b',
      ),
    ).toEqual([
      '1:1 dataset: missing; write the name of a dataset, as digits or cifar10, or a map with its checkpoint. A name: of datasets.yaml beside the spec, of the registry (cifar10, …) or of a package that is installed (digits); or the keys of one.',
      '1:7 name: found "a b", expected a name of letters, digits, dots and dashes, as digits-5-nfe.',
      '2:36 schedule.rho: found -1, expected a number above 0, at most 1000000.',
      '4:1 name: this key is there twice, first in line 1: remove one of them.',
    ]);
  });

  it('are no list', async () => {
    expect(await problems('- a')).toEqual([
      '1:1 found a list, expected a map with name, dataset, schedule, student, ….',
    ]);
  });
});

describe('combinations that are impossible', () => {
  const amed = '{ solver: amed, num_steps: 4 }';
  const full = '{ checkpoint: x.pkl, reference_data: r.npz, feature_network: f.onnx }';
  it.each<[string, string[]]>([
    [
      plain(amed),
      [
        '5:8 train: amed is nothing without its predictor: remove train: false, or take a plain student (euler, heun, dpm, dpmpp, unipc, ipndm, ipndm_v, deis).',
      ],
    ],
    [
      spec({ train: 'false', grid: '{ student.solver: [euler, amed] }' }),
      [
        '6:33 student.solver: amed is nothing without its predictor: remove train: false, or take a plain student (euler, heun, dpm, dpmpp, unipc, ipndm, ipndm_v, deis).',
      ],
    ],
    [
      spec({ student: '{ solver: heun, num_steps: 4 }' }),
      [
        '4:20 student.solver: heun has no predictor to train: add train: false, or take another student (amed, euler, dpm, dpmpp, ipndm).',
      ],
    ],
    ...['unipc', 'ipndm_v', 'deis'].map((solver): [string, string[]] => [
      spec({ student: `{ solver: ${solver}, num_steps: 4 }` }),
      [
        `4:20 student.solver: ${solver} has no predictor to train: add train: false, or take another student (amed, euler, dpm, dpmpp, ipndm).`,
      ],
    ]),
    [
      spec({ teacher: '{ solver: unipc, max_order: 4 }' }),
      ['5:38 teacher.max_order: unipc has no max_order 4; only ipndm, ipndm_v and deis have that.'],
    ],
    [
      plain('{ solver: dpmpp, num_steps: 4, max_order: 4 }'),
      ['4:52 student.max_order: dpmpp has no max_order 4; only ipndm, ipndm_v and deis have that.'],
    ],
    [
      spec({ teacher: '{ solver: dpmpp, max_order: 4 }' }),
      ['5:38 teacher.max_order: dpmpp has no max_order 4; only ipndm, ipndm_v and deis have that.'],
    ],
    [
      spec({ student: '{ solver: dpm, num_steps: 4, r: 0.3 }' }),
      ['4:39 student.r: nothing reads it: only dpm with train: false has r. Remove it.'],
    ],
    [
      plain('{ solver: euler, num_steps: 2 }', { schedule: '{ type: explicit, sigmas: [80, 9, 1] }' }),
      [
        '3:37 schedule.sigmas: 3 noise levels but num_steps 2: give as many as there are timestamps, sigma_max and sigma_min included.',
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 3 }', { schedule: '{ type: explicit, sigmas: [80, 1] }' }),
      [
        '3:37 schedule.sigmas: 2 noise levels but num_steps 3: give as many as there are timestamps, sigma_max and sigma_min included.',
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 3 }', { schedule: '{ type: explicit, sigmas: [80, 1, 1] }' }),
      ['3:37 schedule.sigmas: 1 follows 1: noise levels descend, from sigma_max to sigma_min.'],
    ],
    [
      plain('{ solver: euler, num_steps: 3 }', { schedule: '{ type: explicit, sigmas: [90, 1, 0.5] }' }),
      [
        "3:37 schedule.sigmas: 90 is outside the dataset's noise levels, 0.002 (sigma_min) to 80 (sigma_max).",
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 3 }', { schedule: '{ type: explicit }' }),
      [
        '3:19 schedule.type: an explicit schedule is its noise levels: add sigmas, a descending list of num_steps numbers.',
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 62 }', { schedule: '{ type: gits }' }),
      [
        '4:38 student.num_steps: num_steps 62 is more than gits can choose from, 61 noise levels (num_steps_tea): raise num_steps_tea, or take fewer steps.',
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 6 }', { schedule: '{ type: gits, num_steps_tea: 5 }' }),
      [
        '4:38 student.num_steps: num_steps 6 is more than gits can choose from, 5 noise levels (num_steps_tea): raise num_steps_tea, or take fewer steps.',
      ],
    ],
    [
      spec({ schedule: '{ type: gits, metric: l3, coeff: 0, num_warmup: 0.5 }' }),
      [
        '3:33 schedule.metric: "l3" is no metric; did you mean "l1"? One of dev, l1, l2.',
        '3:44 schedule.coeff: found 0, expected a number above 0.',
        '3:59 schedule.num_warmup: found 0.5, expected an integer from 1 to 65536.',
      ],
    ],
    [
      spec({ reference: '{ solver: heun, num_steps: 9, schedule: { type: gits } }' }),
      [
        '5:60 reference.schedule.type: "gits" is no schedule. One of ays, discrete, dmn, explicit, logsnr, polynomial, time_uniform.',
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 4 }', { schedule: '{ type: polynomial, rho: 0.001 }' }),
      [expect.stringMatching(/^3:36 schedule\.rho: the polynomial schedule must give .* an extreme rho/)],
    ],
    [
      plain('{ solver: euler, num_steps: 4 }', { schedule: '{ type: time_uniform, rho: 1.0e+9 }' }),
      ['3:38 schedule.rho: found 1000000000, expected a number above 0, at most 1000000.'],
    ],
    [
      plain('{ solver: euler, num_steps: 900 }', {
        schedule: '{ type: logsnr }',
        dataset: '{ checkpoint: x.pkl, sigma_min: 1, sigma_max: 1.0000000000001 }',
      }),
      [expect.stringMatching(/^4:38 student\.num_steps: the logsnr schedule must give .*descending/)],
    ],
    [
      plain('{ solver: euler, num_steps: 4 }', {
        schedule: '{ type: time_uniform }',
        dataset: '{ checkpoint: x.pkl, sigma_min: 0.99, sigma_max: 1 }',
      }),
      [expect.stringMatching(/^2:42 dataset\.sigma_min: the time_uniform schedule must .* range too narrow/)],
    ],
    [
      spec({
        teacher: '{ M: 100 }',
        student: '{ solver: amed, num_steps: 9 }',
        schedule: '{ type: logsnr }',
        dataset: '{ checkpoint: x.pkl, sigma_min: 1, sigma_max: 1.0000000000001 }',
      }),
      [expect.stringMatching(/^\d+:\d+ (student\.num_steps|teacher\.M): the logsnr schedule must give/)],
    ],
    [
      plain('{ solver: euler, num_steps: 11 }', { schedule: '{ type: ays }' }),
      [
        '3:19 schedule.type: ays of sd15 is a table of noise levels from 14.6146412293 to 0.0291671582, which the range of the model must be; found [80, 0.002]. For another model take dmn, which is computed for its range, or list noise levels as explicit.',
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 11 }', {
        schedule: '{ type: ays, of: svd }',
        dataset: '{ checkpoint: x.pkl, sigma_min: 0.002, sigma_max: 700 }',
      }),
      [],
    ],
    // which would be too many, and are not sought but divide the student's
    [spec({ schedule: '{ type: dmn, p: 2 }', teacher: '{ M: 30 }' }), []],
    [
      plain('{ solver: euler, num_steps: 60 }', { schedule: '{ type: dmn }' }),
      [
        '4:38 student.num_steps: dmn is for few steps: its num_steps must be at most 41; found 60. Take polynomial or logsnr for many.',
      ],
    ],
    [
      spec({ schedule: '{ type: gits, rho: 0.002 }' }),
      [expect.stringMatching(/^3:30 schedule\.rho: the polynomial schedule must give/)],
    ],
    [
      spec({
        evaluate: '[rmse_to_teacher]',
        reference: '{ solver: heun, num_steps: 9, schedule: { type: polynomial, rho: 0.001 } }',
      }),
      [expect.stringMatching(/^6:\d+ reference\.schedule\.rho: the polynomial schedule must give/)],
    ],
    [
      spec({ dataset: '{ checkpoint: x.pkl, sigma_min: 1.0e-300 }' }),
      [
        '2:42 dataset.sigma_min: no network can be told a noise level of 1e-300, which as float32 is 0: take one from 1e-37 to 1e38.',
      ],
    ],
    [
      spec({
        schedule: '{ type: explicit, sigmas: [80, 5, 1, 1.0e-60] }',
        dataset: '{ checkpoint: x.pkl, sigma_min: 1.0e-61 }',
      }),
      [expect.stringMatching(/^2:42 dataset\.sigma_min: no network can be told a noise level of 1e-61/)],
    ],
    [
      spec({ schedule: '{ type: discrete }' }),
      [
        '3:19 schedule.type: discrete is in the times of a noise table, and the dataset’s network was trained on none: take polynomial, logsnr or time_uniform.',
      ],
    ],
    [
      spec({
        dataset:
          '{ checkpoint: x.onnx, sigma_max: 0.001, onnx: { parametrization: eps, betas: { type: linear } } }',
      }),
      [
        expect.stringMatching(
          /^2:43 dataset\.sigma_max: the noise levels of the dataset go from sigma_max 0\.001 down to sigma_min 0\.01/,
        ),
      ],
    ],
    [
      spec({
        dataset:
          '{ checkpoint: x.onnx, sigma_min: 0.03, sigma_max: 80, onnx: { parametrization: eps, betas: { type: scaled_linear } } }',
      }),
      [
        expect.stringMatching(
          /^2:60 dataset\.sigma_max: sigma_max 80 is noise that the dataset’s network has no time for, which was trained on 0\.029\d* to 14\.61/,
        ),
      ],
    ],
    [
      spec({
        schedule: '{ type: discrete }',
        dataset:
          '{ checkpoint: x.onnx, sigma_min: 1, sigma_max: 1.0000000000001, onnx: { parametrization: eps, betas: { type: linear } } }',
        student: '{ solver: amed, num_steps: 900 }',
      }),
      [expect.stringMatching(/^4:\d+ student\.num_steps: the discrete schedule must give/)],
    ],
    [
      spec({
        dataset: '{ checkpoint: x.onnx, onnx: { parametrization: v, betas: { type: linear, end: 1 } } }',
      }),
      [expect.stringMatching(/^2:\d+ dataset\.onnx\.betas: a noise table has two entries or more/)],
    ],
    [
      spec({ dataset: '{ checkpoint: x.pkl, sigma_min: 90, sigma_max: 80 }' }),
      ['2:42 dataset.sigma_min: sigma_min 90 must be below sigma_max 80.'],
    ],
    [
      spec({ evaluate: '[rmse_to_teacher, fid]', dataset: '{ checkpoint: x.pkl, reference_data: r.npz }' }),
      [
        '5:29 evaluate: fid compares features of the samples with those of real images, but the dataset has no feature_network: write dataset as a map with checkpoint, reference_data and feature_network, or score rmse_to_teacher, which needs neither.',
      ],
    ],
    [
      spec({ evaluate: '[fid, kid, prdc]', dataset: full }),
      [
        '5:17 evaluate: kid needs the real images themselves, and a .npz holds only their mean and covariance: give a zip or folder of images as reference_data.',
        '5:22 evaluate: prdc needs the real images themselves, and a .npz holds only their mean and covariance: give a zip or folder of images as reference_data.',
      ],
    ],
    [
      spec({ evaluate: '[fid, kid]', dataset: full.replace('.npz', '.pkl') }),
      [
        '5:17 evaluate: kid needs the real images themselves, and a .pkl holds only their mean and covariance: give a zip or folder of images as reference_data.',
      ],
    ],
    [
      spec({ dataset: full.replace(' }', ', feature_resize: tensorflow }') }),
      [
        '2:95 dataset.feature_resize: f.onnx is an ONNX file, which resizes as it was written to; how is chosen for weights of FID’s Inception-v3 alone: remove it.',
      ],
    ],
    [
      spec({ dataset: '{ checkpoint: x.pkl, feature_resize: pytorch }' }),
      [
        '2:47 dataset.feature_resize: it is of the feature network, and the dataset has none: add feature_network, or remove it.',
      ],
    ],
  ])('%j', async (text, expected) => {
    expect(await problems(text)).toEqual(expected);
  });

  it('are not looked for where a value is wrong already', async () => {
    expect(
      await problems(
        plain('{ solver: heun, num_steps: 4 }', {
          train: 'flase',
          schedule: '{ type: explicit, sigmas: x }',
        }),
      ),
    ).toEqual([
      expect.stringMatching(
        /^3:37 schedule\.sigmas: found "x", expected a list of 2 to 1001, each a number above 0; a list is written \[x\]\.$/,
      ),
      '5:8 train: found "flase", expected false or a map with total_kimg, batch, lr, loss_weight, seed, validation, images, final_rounds, contrast, match_energy, loss, feature_network, feature_weight.',
    ]);
  });
});

describe('options that nothing reads', () => {
  it.each<[string, string[]]>([
    [
      plain('{ solver: euler, num_steps: 4, max_order: 2, predict_x0: true }'),
      [
        '4:41 student.max_order: nothing reads it: only dpmpp, unipc, ipndm, ipndm_v and deis have max_order. Remove it.',
        '4:55 student.predict_x0: nothing reads it: only dpmpp and unipc have predict_x0. Remove it.',
      ],
    ],
    [
      plain('{ solver: dpmpp, num_steps: 4, predict_x0: false, thresholding: dynamic }'),
      [
        '4:60 student.thresholding: nothing reads it: only dpmpp and unipc have thresholding, where predict_x0 is true. Remove it.',
      ],
    ],
    [
      spec({
        student: '{ solver: dpmpp, num_steps: 4, predict_x0: false }',
        teacher: '{ thresholding: dynamic }',
      }),
      [
        '5:12 teacher.thresholding: nothing reads it: only dpmpp and unipc have thresholding, where predict_x0 is true. Remove it.',
      ],
    ],
    [
      plain('{ solver: euler, num_steps: 4, bottleneck: zero }'),
      ['4:41 student.bottleneck: nothing reads it: only a predictor does, and there is none. Remove it.'],
    ],
    [
      plain('{ solver: euler, num_steps: 4, scale_dir: 0.1 }', { teacher: '{ solver: heun, max_order: 2 }' }),
      [
        '4:41 student.scale_dir: nothing reads it: only amed, euler, dpm, dpmpp and ipndm with a predictor and epd have scale_dir. Remove it.',
        '6:1 teacher: nothing reads it: only the training of a predictor or table does, and none is trained. Remove it.',
      ],
    ],
    [
      spec({ teacher: '{ max_order: 2 }' }),
      [
        '5:12 teacher.max_order: nothing reads it: only dpmpp, unipc, ipndm, ipndm_v and deis have max_order. Remove it.',
      ],
    ],
    [
      plain('{ solver: unipc, num_steps: 4, deis_mode: tab }', {
        reference: '{ solver: deis, num_steps: 60, variant: bh1, predict_x0: true }',
        evaluate: '[rmse_to_teacher]',
      }),
      [
        '4:41 student.deis_mode: nothing reads it: only deis has deis_mode. Remove it.',
        '6:43 reference.variant: nothing reads it: only unipc has variant. Remove it.',
        '6:57 reference.predict_x0: nothing reads it: only dpmpp and unipc have predict_x0. Remove it.',
      ],
    ],
    [
      spec({ schedule: '{ type: logsnr, rho: 7 }' }),
      [
        '3:27 schedule.rho: nothing reads it: only polynomial, time_uniform, discrete and gits have rho. Remove it.',
      ],
    ],
    [
      spec({ schedule: '{ type: polynomial, metric: dev, coeff: 1, num_warmup: 8, num_steps_tea: 9 }' }),
      [
        '3:31 schedule.metric: nothing reads it: only gits has metric. Remove it.',
        '3:44 schedule.coeff: nothing reads it: only gits has coeff. Remove it.',
        '3:54 schedule.num_warmup: nothing reads it: only gits has num_warmup. Remove it.',
        '3:69 schedule.num_steps_tea: nothing reads it: only gits has num_steps_tea. Remove it.',
      ],
    ],
    [
      spec({ schedule: '{ type: polynomial, sigmas: [2, 1] }' }),
      ['3:31 schedule.sigmas: nothing reads it: only explicit has sigmas. Remove it.'],
    ],
    [
      spec({ grid: '{ student.max_order: [1, 2] }' }),
      [
        '5:9 student.max_order: nothing reads it: only dpmpp, unipc, ipndm, ipndm_v and deis have max_order. Remove it.',
      ],
    ],
    [
      spec({ grid: '{ points: [{ train.lr: 1 }, { student: { max_order: 3 } }] }' }),
      [
        '5:48 student.max_order: nothing reads it: only dpmpp, unipc, ipndm, ipndm_v and deis have max_order. Remove it.',
      ],
    ],
  ])('%j', async (text, expected) => {
    expect(await problems(text)).toEqual(expected);
  });

  it('are fine where another point reads them', async () => {
    const student = '{ solver: amed, num_steps: 4, max_order: 2, r: 0.4 }';
    const grid = '{ points: [{}, { student.solver: ipndm }, { student.solver: dpm, train: false }] }';
    expect(await problems(spec({ student, grid }))).toEqual([]);
    expect(await problems(spec({ student, grid: grid.replace(', train: false', '') }))).toEqual([
      '4:54 student.r: nothing reads it: only dpm with train: false has r. Remove it.',
    ]);
  });
});

describe('--set', () => {
  const needsValue = 'expected path=value, as --set student.num_steps=4; --set path=null takes a key away.';
  const set = async (...texts: string[]) => (await parse(spec(), { set: texts })).points[0]!;

  it('changes the file’s values, as YAML, the later over the earlier', async () => {
    expect(
      await set('student.num_steps=9', 'train={ lr: 0.1 }', 'train.batch=2', 'sample.seeds="1,5"'),
    ).toMatchObject({
      sampler: { numSteps: 9 },
      train: { lr: 0.1, batch: 2 },
      seeds: [
        [1, 1],
        [5, 5],
      ],
    });
  });

  it('changes the base below a grid, and the grid by its own path', async () => {
    const text = spec({ grid: '{ points: [{ train.lr: 1 }, { train: false, student.solver: euler }] }' });
    expect(
      (await parse(text, { set: ['train.batch=2'] })).points.map(({ train }) =>
        train ? train.batch : false,
      ),
    ).toEqual([2, false]);
    const product = spec({ grid: '{ student.num_steps: [3, 4], train.seed: [0, 1] }' });
    expect(
      (await parse(product, { set: ['grid.student.num_steps=[7]', 'grid.train.lr=[0.1]'] })).points.map(
        ({ label }) => label,
      ),
    ).toEqual(['seed 0', 'seed 1']);
  });

  it.each([
    ['lr', `--set lr ${needsValue}`],
    ['=4', `--set =4 ${needsValue}`],
    ['train.lr=', `--set train.lr= ${needsValue}`],
    [
      'studnet.num_steps=4',
      '--set studnet.num_steps=4 studnet.num_steps: names no key of the spec; did you mean "student.num_steps"?',
    ],
    [
      'student.num_steps=x',
      '--set student.num_steps=x student.num_steps: found "x", expected an integer from 2 to 1001.',
    ],
    ['student.num_steps=[', '--set student.num_steps=[ no valid YAML: Flow sequence must end with a ].'],
    [
      'dataset.sigma_max=4',
      '--set dataset.sigma_max=4 dataset.sigma_max: dataset is "cifar10" here, so it has no sigma_max: give dataset as a map.',
    ],
  ])('%s', async (text, message) => {
    expect(await problems(spec(), [text])).toEqual([message]);
  });

  it('comes after the problems of the file', async () => {
    expect(await problems(spec({ evaluate: '[x]' }), ['train.lr=0'])).toEqual([
      '5:12 evaluate: "x" is no metric. One of clip_score, fid, kid, prdc, psnr_to_teacher, rmse_to_teacher.',
      '--set train.lr=0 train.lr: found 0, expected a number above 0.',
    ]);
  });

  it('takes keys away by null, and what is empty then', async () => {
    const grid = '{ student.num_steps: [3, 4], train.lr: [0.1, 0.2] }';
    const labels = async (...texts: string[]) =>
      (await parse(spec({ grid }), { set: texts })).points.map(({ label }) => label);
    expect(await labels('grid.train.lr=null')).toEqual(['num_steps 3', 'num_steps 4']);
    expect(await labels('grid.train.lr=null', 'grid.student.num_steps=~')).toEqual(['amed']);
    expect(await labels('grid=null')).toEqual(['amed']);
    const replaced = { set: ['student=null', 'student={ solver: euler, num_steps: 3 }', 'train=false'] };
    expect(
      (await parse(spec({ student: '{ solver: dpm, r: 0.4, num_steps: 4 }' }), replaced)).points,
    ).toMatchObject([{ label: 'euler', sampler: { method: { solver: 'euler' }, numSteps: 3 } }]);
  });

  it.each([
    [
      ['student.num_steps=5'],
      "--set student.num_steps=5 student.num_steps: changes nothing, for the grid gives it in every point; did you mean --set 'grid.student.num_steps=[…]'?",
    ],
    [
      ['grid.student.num_steps=[5]', 'grid.student.num_steps=[6, 7]'],
      '--set grid.student.num_steps=[5] grid.student.num_steps: changes nothing, for --set grid.student.num_steps=[6, 7] comes after it and replaces it: keep one of them.',
    ],
    [
      ['train.lr=1', 'train={ lr: 2 }'],
      '--set train.lr=1 train.lr: changes nothing, for --set train={ lr: 2 } comes after it and replaces it: keep one of them.',
    ],
    [
      ['train.lr=1', 'train=null'],
      '--set train.lr=1 train.lr: changes nothing, for --set train=null comes after it and replaces it: keep one of them.',
    ],
    [
      ['name=x', 'name=x'],
      '--set name=x name: changes nothing, for --set name=x comes after it and replaces it: keep one of them.',
    ],
    [['grid={}'], '--set grid={} grid: an empty map changes nothing; --set grid=null takes it away.'],
    [['guidance=null'], '--set guidance=null guidance: takes nothing away, for it is not there.'],
    [
      ['grid.train.lr=null'],
      '--set grid.train.lr=null grid.train.lr: takes nothing away, for it is not there.',
    ],
  ])('must not be without effect: %j', async (texts, message) => {
    expect(await problems(spec({ grid: '{ student.num_steps: [3, 4] }' }), texts)).toEqual([message]);
  });

  it('must not be without effect: what points of their own give is not advised against', async () => {
    const points = spec({ grid: '{ points: [{ student.num_steps: 3 }, { student.num_steps: 4 }] }' });
    expect(await problems(points, ['student.num_steps=5'])).toEqual([
      '--set student.num_steps=5 student.num_steps: changes nothing, for every point of the grid gives it: change it there, or take the grid away with --set grid=null.',
    ]);
  });

  it('must not be without effect on the points that are meant, where others would heed it', async () => {
    const text = spec({ grid: '{ points: [{ student.num_steps: 3, train.lr: 0.1 }, { train.lr: 0.2 }] }' });
    const only = (label: string) => parse(text, { set: ['student.num_steps=5'], only: [label] });
    const refused = await only('num_steps 3, lr 0.1').catch((error) => error.message);
    expect(refused).toBe(
      '--set student.num_steps=5 E_SPEC student.num_steps: changes nothing, for every point that --only means gives it: change it there.',
    );
    expect((await only('num_steps 5, lr 0.2')).points.map(({ sampler }) => sampler.numSteps)).toEqual([5]);
  });

  it('leaves out what nothing reads after it, in the grid too, and says what', async () => {
    const text = spec({
      student: '{ solver: euler, num_steps: 4, scale_dir: 0.02 }',
      teacher: '{ M: 2 }',
      grid: '{ student.num_steps: [3, 4], train.lr: [0.1, 0.2], teacher.M: [1, 2] }',
    });
    const plain = await parse(text, { set: ['train=false'] });
    expect(plain.points.map(({ label }) => label)).toEqual(['num_steps 3', 'num_steps 4']);
    expect(plain.points.map(({ settings }) => settings)).toEqual([
      { 'student.num_steps': 3 },
      { 'student.num_steps': 4 },
    ]);
    expect([...plain.dropped].sort()).toEqual(['student.scale_dir', 'teacher', 'train.lr']);
    expect(plain.changes).toEqual(['train=false']);
    // points that differ in nothing else are one
    const points = '{ points: [{ train.lr: 0.1 }, { train.lr: 0.2 }, { student.num_steps: 5 }] }';
    const listed = spec({ student: '{ solver: euler, num_steps: 4 }', grid: points });
    const two = await parse(listed, { set: ['train=false'] });
    expect(two.points.map(({ sampler }) => sampler.numSteps)).toEqual([4, 5]);
    // what the command line itself gives is no less a problem
    expect(await problems(text, ['train=false', 'teacher.M=3', 'grid=null'])).toEqual([
      '--set teacher.M=3 teacher: nothing reads it: only the training of a predictor or table does, and none is trained. Remove it.',
    ]);
  });

  it('chooses points by their labels or folders, as they are called in the whole grid', async () => {
    const text = spec({ grid: '{ student.num_steps: [3, 4, 5] }' });
    const chosen = await parse(text, { only: ['num_steps 5', 'num_steps-3'], set: ['grid.train.lr=[0.1]'] });
    expect(chosen.points.map(({ label }) => label)).toEqual(['num_steps 3', 'num_steps 5']);
    expect(chosen.specs).toHaveLength(2);
    expect(chosen.changes).toEqual(['grid.train.lr=[0.1]', 'only=num_steps 5', 'only=num_steps-3']);
    expect((await parse(text, { set: ['grid='] })).points.map(({ label }) => label)).toEqual(['amed']);
    const refused = await parse(text, { only: ['num_steps 6'] }).catch((error) => error.message);
    expect(refused).toBe(
      '--only "num_steps 6" E_SPEC no point has this label; did you mean "num_steps 3"? There are "num_steps 3", "num_steps 4", "num_steps 5".',
    );
  });

  it('says how a list is written', async () => {
    expect(await problems(spec(), ['evaluate=fid,kid'])).toEqual([
      '--set evaluate=fid,kid evaluate: found "fid,kid", expected a list, each one of clip_score, fid, kid, prdc, psnr_to_teacher, rmse_to_teacher; a list is written [fid, kid].',
    ]);
    expect(await problems(spec(), ['evaluate=5'])).toEqual([
      '--set evaluate=5 evaluate: found 5, expected a list, each one of clip_score, fid, kid, prdc, psnr_to_teacher, rmse_to_teacher.',
    ]);
  });
});

describe('guidance', () => {
  const sd = '{ checkpoint: sd.ckpt }';
  const adm = '{ checkpoint: adm.pt, classifier: classifier.pt }';
  const point = async (parts: Parts) => (await parse(spec(parts))).points[0]!;

  it('has a rate by its type', async () => {
    expect((await point({ dataset: adm, guidance: '{ type: cg }' })).guidance).toEqual({
      type: 'cg',
      rate: 4,
    });
    expect((await point({ dataset: sd, guidance: '{ type: cfg, prompt: a cat }' })).guidance).toEqual({
      type: 'cfg',
      rate: 7.5,
      prompts: ['a cat'],
    });
    expect((await point({ dataset: 'lsun_bedroom_ldm', guidance: '{ type: uncond }' })).guidance).toEqual({
      type: 'uncond',
    });
  });

  it('names the classifier only where it is asked', async () => {
    const of = async (guidance: string) =>
      (await parse(spec({ dataset: adm, grid: `{ guidance: [{ type: cg }${guidance}] }` }))).points.map(
        ({ dataset }) => dataset.classifier,
      );
    expect(await of('')).toEqual(['/home/me/classifier.pt']);
    expect((await point({ dataset: 'imagenet256', guidance: '{ type: cg }' })).dataset.classifier).toBe(
      '/models/256x256_classifier.pt',
    );
    expect((await point({ dataset: 'imagenet256' })).dataset.classifier).toBeUndefined();
  });

  it.each(['a.pkl', 'a.pt'])('leaves the range of noise levels to the checkpoint %s', async (checkpoint) => {
    const path = `/home/me/${checkpoint}`;
    const { dataset } = await point({ dataset: `{ checkpoint: ${checkpoint} }` });
    expect(dataset).toEqual({ checkpoint: path });
    const cut = await point({ dataset: `{ checkpoint: ${checkpoint}, sigma_max: 40 }` });
    expect(cut.dataset).toEqual({ checkpoint: path, sigmaMax: 40 });
  });

  it.each<[Parts, string[]]>([
    [
      { guidance: '{ type: cfg, prompt: a }' },
      ['5:19 guidance.type: cifar10 has no guidance cfg: remove guidance, or name another dataset.'],
    ],
    [
      { dataset: 'imagenet256', guidance: '{ type: uncond }' },
      ['5:19 guidance.type: imagenet256 has no guidance uncond: take cg, or name another dataset.'],
    ],
    [
      { dataset: 'ms_coco' },
      ['2:10 dataset: ms_coco draws what it is told: add guidance: { type: cfg, prompt: … }.'],
    ],
    [
      { dataset: '{ checkpoint: a.pt }', guidance: '{ type: cg }' },
      [
        '5:19 guidance.type: cg follows the gradient of a classifier, and the dataset has none: add its file as dataset.classifier, or remove guidance.',
      ],
    ],
    [
      { dataset: sd, guidance: '{ type: cfg }' },
      [
        '5:19 guidance.type: cfg leads to a prompt: add prompt, a text or a list of texts, or prompts, a file of them.',
      ],
    ],
    [
      { dataset: sd, guidance: '{ type: uncond, rate: 2, prompt: a }' },
      [
        '5:27 guidance.rate: nothing reads it: only cg and cfg have a rate. Remove it.',
        '5:36 guidance.prompt: nothing reads it: only cfg leads to a prompt. Remove it.',
      ],
    ],
    [
      { dataset: '{ checkpoint: a.pt, classifier: b.pt, tokenizer: c }' },
      [
        '2:30 dataset.classifier: nothing reads it: only guidance cg asks a classifier. Remove it.',
        '2:48 dataset.tokenizer: nothing reads it: only guidance cfg has prompts. Remove it.',
      ],
    ],
  ])('is refused where it can’t be: %j', async (parts, expected) => {
    expect(await problems(spec(parts))).toEqual(expected);
  });

  const fixture = (name: string) =>
    fileURLToPath(new URL(`../../../models/fixtures/${name}`, import.meta.url));
  const edm = fixture('edm-ncsnpp-uncond.p2.pkl');
  const diffusion = fixture('adm-diffusion.pt');
  const told =
    'image_size: 16, num_head_channels: 16, attention_order: heads-qkv-channels, noise_schedule: linear, diffusion_steps: 1000, parametrization: eps';
  const admNetwork = `network: { ${told} }`;
  const guided = `network: { ${told}, classifier_num_heads: 1, classifier_attention_order: heads-qkv-channels }`;
  const stableDiffusion = fixture('sd-tiny.ckpt');
  const sdNetwork =
    'network: { num_heads: 4, image_size: 16, parametrization: eps, scale_factor: 0.18215, num_attention_heads: 4, hidden_act: quick_gelu }';
  it.each<[Parts, string[]]>([
    [
      { dataset: `{ checkpoint: ${edm} }`, guidance: '{ type: uncond }' },
      [`5:19 guidance.type: ${edm} has no guidance uncond: remove guidance, or name another checkpoint.`],
    ],
    [
      {
        dataset: `{ checkpoint: ${diffusion}, ${admNetwork} }`,
        guidance: '{ type: cfg, prompt: a }',
      },
      [
        `5:19 guidance.type: ${diffusion} has no guidance cfg: take cg, with its classifier’s file as dataset.classifier, or name another checkpoint.`,
      ],
    ],
    [
      {
        dataset: `{ checkpoint: ${stableDiffusion}, ${sdNetwork} }`,
        grid: '{ guidance: [{ type: uncond }, { type: cfg, prompt: a }] }',
      },
      [
        `5:28 guidance.type: ${stableDiffusion} has no guidance uncond: take cfg, with a prompt, or name another checkpoint.`,
      ],
    ],
    [
      { dataset: `{ checkpoint: ${stableDiffusion}, ${sdNetwork} }` },
      [
        `2:24 dataset.checkpoint: ${stableDiffusion} draws what it is told: add guidance: { type: cfg, prompt: … }.`,
      ],
    ],
  ])('is refused where the checkpoint has not that: %j', async (parts, expected) => {
    expect(await problems(spec(parts))).toEqual(expected);
  });

  it.each<Parts>([
    { dataset: `{ checkpoint: ${edm} }` },
    { dataset: `{ checkpoint: ${diffusion}, ${admNetwork} }` },
    {
      dataset: `{ checkpoint: ${diffusion}, classifier: ${fixture('adm-classifier.pt')}, ${guided} }`,
      grid: '{ guidance: [{ type: cg }] }',
    },
    // of a classifier that is not there nothing is asked yet
    { dataset: `{ checkpoint: ${diffusion}, ${admNetwork}, classifier: a.pt }`, guidance: '{ type: cg }' },
    { dataset: `{ checkpoint: ${diffusion}, classifier: a.pt, ${guided} }`, guidance: '{ type: cg }' },
    { dataset: `{ checkpoint: ${stableDiffusion}, ${sdNetwork} }`, guidance: '{ type: cfg, prompt: a }' },
    // nor of a first stage, which might make it whole
    {
      dataset: `{ checkpoint: ${stableDiffusion}, first_stage: a.pt }`,
      guidance: '{ type: cfg, prompt: a }',
    },
    // no denoiser at all: left to the task that reads it
    { dataset: `{ checkpoint: ${fixture('tensors.zip.pt')} }`, guidance: '{ type: uncond }' },
    { dataset: `{ checkpoint: ${fixture('tensors.json')} }`, guidance: '{ type: uncond }' },
  ])('is taken where the checkpoint has it, or can’t be asked: %j', async (parts) => {
    expect(await problems(spec(parts))).toEqual([]);
  });

  it('asks for what the checkpoint doesn’t show, and its classifier’s neither', async () => {
    const asked = async (parts: Parts) => (await problems(spec(parts))).map((line) => line.slice(0, 300));
    expect(
      await asked({ dataset: `{ checkpoint: ${diffusion}, network: { noise_schedule: cosine } }` }),
    ).toEqual([
      expect.stringMatching(
        /^2:\d+ dataset\.checkpoint: .*adm-diffusion\.pt: its weights don't show image_size, num_heads, attention_order, diffusion_steps, rescale_timesteps and parametrization: /,
      ),
    ]);
    const classifier = `classifier: ${fixture('adm-classifier.pt')}`;
    expect(
      await asked({
        dataset: `{ checkpoint: ${diffusion}, ${classifier}, ${admNetwork} }`,
        guidance: '{ type: cg }',
      }),
    ).toEqual([
      expect.stringMatching(/its weights don't show classifier_num_heads and classifier_attention_order: /),
    ]);
    const latent = { dataset: `{ checkpoint: ${stableDiffusion} }`, guidance: '{ type: cfg, prompt: a }' };
    expect(await asked(latent)).toEqual([
      expect.stringMatching(/its weights don't show num_heads, image_size, parametrization, scale_factor, /),
    ]);
    expect(
      await asked({
        ...latent,
        dataset: `{ checkpoint: ${stableDiffusion}, ${sdNetwork.replace(' }', ', use_ema: true }')} }`,
      }),
    ).toEqual([expect.stringMatching(/sd-tiny\.ckpt: it has one set of weights, .*: leave use_ema out\.$/)]);
    expect(await asked({ dataset: `{ checkpoint: ${diffusion}, network: { family: cm } }` })).toEqual([
      expect.stringMatching(/family is told as cm, but by its tensors it is of adm: /),
    ]);
  });

  it('knows published files by their names, what is told before that, and a classifier’s under cg alone', async () => {
    const network = async (parts: Parts) => (await point(parts)).dataset.network;
    const files = 'checkpoint: 64x64_diffusion.pt, classifier: 64x64_classifier.pt';
    const known = {
      family: 'adm',
      image_size: 64,
      num_head_channels: 64,
      attention_order: 'qkv-heads-channels',
      noise_schedule: 'cosine',
      diffusion_steps: 1000,
      rescale_timesteps: false,
      parametrization: 'eps',
    };
    expect(await network({ dataset: '{ checkpoint: 64x64_diffusion.pt }' })).toEqual(known);
    expect(
      await network({
        dataset: `{ ${files}, network: { noise_schedule: linear } }`,
        guidance: '{ type: cg }',
      }),
    ).toEqual({
      ...known,
      noise_schedule: 'linear',
      classifier_num_head_channels: 64,
      classifier_attention_order: 'heads-qkv-channels',
    });
    expect(await network({ dataset: 'imagenet256', guidance: '{ type: cg }' })).toMatchObject({
      attention_order: 'heads-qkv-channels',
      noise_schedule: 'linear',
      classifier_num_head_channels: 64,
    });
    expect(await network({ dataset: 'lsun_bedroom' })).toEqual({
      family: 'cm',
      image_size: 256,
      num_head_channels: 64,
      attention_order: 'qkv-heads-channels',
    });
    const heads = 'network: { num_heads: 1, classifier_num_heads: 2 }';
    const { points } = await parseExperiment(
      spec({
        dataset: `{ checkpoint: a.pt, classifier: b.pt, ${heads} }`,
        grid: '{ points: [{ guidance: { type: cg } }, { sample.seeds: 1 }] }',
      }),
      'spec.yaml',
    );
    expect(points.map(({ dataset }) => dataset.network)).toEqual([
      { num_heads: 1, classifier_num_heads: 2 },
      { num_heads: 1 },
    ]);
  });

  it('says which heads nothing reads', async () => {
    const told = (network: string) =>
      problems(spec({ dataset: `{ checkpoint: a.pt, network: { ${network} } }` }));
    expect(await told('num_heads: 4, num_head_channels: 16')).toEqual([
      '2:52 dataset.network.num_heads: num_heads and num_head_channels are two ways to say how many heads there are: remove one.',
    ]);
    expect(await told('classifier_num_heads: 4')).toEqual([
      expect.stringMatching(/classifier_num_heads: nothing reads it: only guidance cg asks a classifier/),
    ]);
    expect(await told('num_heads_upsample: 2')).toEqual([
      expect.stringMatching(/num_heads_upsample: nothing reads it: it is in place of num_heads/),
    ]);
  });
});
