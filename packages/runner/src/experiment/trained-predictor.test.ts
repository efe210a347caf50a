import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initPredictor, placement } from '@fewstep/solvers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../graph/compile.js';
import { formatPredictor } from '../predictor/predictor-file.js';
import { trainingSettings } from '../predictor/predictor-settings.js';
import { parseExperiment } from './parse-experiment.js';
import { SpecError } from './problem.js';

const official = new URL('../../../models/fixtures/official-predictor.pkl', import.meta.url);

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'fewstep-spec-'));
  await mkdir(join(cwd, 'folder.pkl'));
  await copyFile(official, join(cwd, 'amed.pkl')); // amed, num_steps 4, afs, time_uniform 1
  await writeFile(join(cwd, 'page.pkl'), '<html>');
  await writeFile(join(cwd, 'huge.pkl'), '');
  await truncate(join(cwd, 'huge.pkl'), 2 ** 30);
  const method = {
    solver: 'dpmpp',
    max_order: 2,
    predict_x0: false,
    lower_order_final: true,
    scale_dir: 0,
    scale_time: 0.2,
  };
  const params: Parameters<typeof trainingSettings>[0] = {
    method,
    schedule: { type: 'logsnr' },
    numSteps: 3,
    sigmaMin: 0.01,
    sigmaMax: 50,
    afs: false,
    teacher: { solver: 'heun' },
    M: 1,
    batch: 8,
    lr: 0.005,
    seed: 0,
    seeds: [0, 7],
  };
  const weights = initPredictor({ seed: 0, outputs: placement({ scale_dir: 0, scale_time: 0.2 }) });
  const file = (told: object) =>
    formatPredictor(weights, trainingSettings({ ...params, method: { ...method, ...told } }));
  await writeFile(join(cwd, 'dpmpp.safetensors'), file({}));
  for (const thresholding of ['dynamic', 'none'])
    await writeFile(join(cwd, `${thresholding}.safetensors`), file({ predict_x0: true, thresholding }));
});
afterAll(() => rm(cwd, { recursive: true }));

const parse = (lines: readonly string[], set: readonly string[] = [], dataset = 'cifar10') =>
  parseExperiment(['name: test', `dataset: ${dataset}`, ...lines].join('\n'), 'specs/a.yaml', {
    cwd,
    models: '/models',
    set,
  });

async function problems(...lines: readonly string[]): Promise<string[]> {
  try {
    await parse(lines);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    expect(error.exitCode).toBe(2);
    return error.problems.map(({ message }) => message.replace('specs/a.yaml:', '').replace('E_SPEC ', ''));
  }
  return [];
}

describe('a predictor that is trained already', () => {
  it('brings student and schedule along', async () => {
    const [point] = (await parse(['predictor: ../amed.pkl'])).points;
    expect(point).toMatchObject({
      label: 'amed',
      sampler: {
        method: { solver: 'amed' },
        schedule: { type: 'time_uniform', rho: 1 },
        numSteps: 4,
        afs: true,
        denoiseToZero: false,
      },
      train: false,
      predictor: join(cwd, 'amed.pkl'),
    });
  });

  it('is read from its own range of noise levels into that of the dataset', async () => {
    const [point] = (await parse(['predictor: ../dpmpp.safetensors'])).points;
    expect(point!.dataset).toMatchObject({ sigmaMin: 0.002, sigmaMax: 80 });
    expect(point!.sampler).toMatchObject({
      method: { solver: 'dpmpp', max_order: 2, predict_x0: false, lower_order_final: true },
      schedule: { type: 'logsnr' },
      numSteps: 3,
      afs: false,
    });
  });

  it('leaves to the spec what it was not trained with', async () => {
    const [point] = (await parse(['predictor: ../amed.pkl', 'student: { denoise_to_zero: true }'])).points;
    expect(point!.sampler).toMatchObject({ afs: true, denoiseToZero: true });
    expect(point!.sampler.bottleneck).toBeUndefined();
    const zeros = await parse(['predictor: ../amed.pkl', 'student: { bottleneck: zero }']);
    expect(zeros.points[0]!.sampler).toEqual({ ...point!.sampler, denoiseToZero: false, bottleneck: 'zero' });
  });

  it('may be told again what it was trained with', async () => {
    const student = 'student: { solver: amed, num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0 }';
    const said = await parse(['predictor: ../amed.pkl', student, 'schedule: { type: time_uniform }']);
    expect(said.points).toEqual((await parse(['predictor: ../amed.pkl'])).points);
  });

  it('varies in a grid', async () => {
    const { points } = await parse(['grid:', '  predictor: [../amed.pkl, ../dpmpp.safetensors]']);
    expect(points.map(({ label, sampler }) => [label, sampler.method.solver, sampler.numSteps])).toEqual([
      ['predictor ../amed.pkl', 'amed', 4],
      ['predictor ../dpmpp.safetensors', 'dpmpp', 3],
    ]);
  });

  it('stands beside samplers that train, or need no training', async () => {
    const { points } = await parse([
      'train: { total_kimg: 1 }',
      'teacher: { M: 2 }',
      'grid:',
      '  points:',
      '    - { label: released, predictor: ../amed.pkl }',
      '    - { label: ours, student: { solver: amed, num_steps: 4 }, schedule: { type: logsnr } }',
      '    - { label: plain, student: { solver: heun, num_steps: 4 }, schedule: { type: logsnr }, train: false }',
    ]);
    expect(points.map(({ predictor, train }) => [predictor !== undefined, train !== false])).toEqual([
      [true, false],
      [false, true],
      [false, false],
    ]);
  });

  it('leaves its bounds to the data, and is refused where those would have others', async () => {
    const latents =
      '{ checkpoint: a.onnx, onnx: { parametrization: eps, betas: { type: linear }, decoder: d.onnx, scale_factor: 1 } }';
    const bounded = ['predictor: ../dynamic.safetensors'];
    const free = ['predictor: ../none.safetensors'];
    const methodOf = async (lines: string[], dataset?: string) =>
      (await parse(lines, [], dataset)).points[0]!.sampler.method;
    expect(await methodOf(bounded)).toMatchObject({ solver: 'dpmpp', predict_x0: true });
    expect(await methodOf(bounded)).not.toHaveProperty('thresholding');
    expect(await methodOf(free, latents)).not.toHaveProperty('thresholding');
    for (const [lines, dataset, trained] of [
      [free, 'cifar10', 'none'],
      [bounded, 'lsun_bedroom_ldm', 'dynamic'],
      [bounded, latents, 'dynamic'],
    ] as const) {
      await expect(methodOf([...lines], dataset)).rejects.toThrow(
        new RegExp(
          `^specs/a\\.yaml:3:12 E_SPEC predictor: ${trained}\\.safetensors was trained with student\\.thresholding ${trained}, .* add student\\.thresholding: ${trained}`,
        ),
      );
      const said = [...lines, `student: { thresholding: ${trained} }`];
      expect(await methodOf(said, dataset)).toMatchObject({ thresholding: trained });
    }
    await expect(methodOf([...bounded, 'student: { thresholding: none }'])).rejects.toThrow(
      /student\.thresholding: found "none", but dynamic\.safetensors was trained with "dynamic"/,
    );
    // a checkpoint that isn't opened yet tells nothing
    expect(await methodOf(bounded, '{ checkpoint: a.pkl }')).not.toHaveProperty('thresholding');
  });

  it('can be set on the command line', async () => {
    const [point] = (await parse(['predictor: ../amed.pkl'], ['predictor=../dpmpp.safetensors'])).points;
    expect(point!.predictor).toBe(join(cwd, 'dpmpp.safetensors'));
  });

  it('must agree with what is written', async () => {
    expect(
      await problems(
        'predictor: ../amed.pkl',
        'student: { solver: dpmpp, num_steps: 5, afs: true }',
        'schedule: { type: polynomial }',
      ),
    ).toEqual([
      '4:20 student.solver: found "dpmpp", but amed.pkl was trained with "amed": remove the key, for the file says it, or take another predictor.',
      '4:38 student.num_steps: found 5, but amed.pkl was trained with 4: remove the key, for the file says it, or take another predictor.',
      '5:19 schedule.type: found "polynomial", but amed.pkl was trained with "time_uniform": remove the key, for the file says it, or take another predictor.',
    ]);
    expect(await problems('grid:', '  predictor: [../amed.pkl]', '  student.num_steps: [4, 5]')).toEqual([
      '5:26 student.num_steps: found 5, but amed.pkl was trained with 4: remove the key, for the file says it, or take another predictor.',
    ]);
  });

  it('is trained already', async () => {
    expect(
      await problems(
        'predictor: ../amed.pkl',
        'train: { lr: 0.1 }',
        'teacher: { M: 2 }',
        'student: { r: 0.5, max_order: 2 }',
      ),
    ).toEqual([
      '4:1 train: nothing reads it: predictor or sampler names one that is trained already. Remove it.',
      '5:1 teacher: nothing reads it: only the training of a predictor or table does, and none is trained. Remove it.',
      '6:12 student.r: nothing reads it: only dpm with train: false has r. Remove it.',
      '6:20 student.max_order: nothing reads it: only dpmpp, unipc, ipndm, ipndm_v and deis have max_order. Remove it.',
    ]);
  });

  it('need not be there where the spec says what it would, until it is run', async () => {
    const lines = [
      'predictor: ../missing.pkl',
      'student: { solver: dpmpp, num_steps: 6, bottleneck: zero }',
      'schedule: { type: logsnr }',
    ];
    const { points, files } = await parse(lines);
    expect(points[0]).toMatchObject({
      predictor: join(cwd, 'missing.pkl'),
      train: false,
      sampler: { numSteps: 6, bottleneck: 'zero', method: { solver: 'dpmpp' } },
    });
    const told = files.flatMap(({ path, ifMissing }) =>
      path === points[0]!.predictor ? ifMissing.message : [],
    );
    expect(told).toEqual([
      'specs/a.yaml:3:12 E_SPEC predictor: there is no missing.pkl; the path is relative to the spec.',
    ]);
    expect(await problems(...lines.slice(0, 2))).toEqual([
      '3:12 predictor: there is no missing.pkl; the path is relative to the spec.',
    ]);
  });

  it.each([
    ['missing.pkl', 'there is no missing.pkl; the path is relative to the spec.'],
    ['folder.pkl', 'folder.pkl is no file; name a predictor.safetensors, or an official .pkl or .pt.'],
    [
      'huge.pkl',
      'huge.pkl has 1073741824 bytes, far more than a predictor; is it a checkpoint of a denoiser, for dataset?',
    ],
    [
      'page.pkl',
      'page.pkl is no predictor to sample with: it is an HTML or XML page, as a failed download leaves behind. A predictor of the official AMED-Solver is expected: a pickle of a dict whose "model" is an AMED_predictor',
    ],
  ])('is the only complaint where it can’t be read: %s', async (name, sentence) => {
    expect(await problems(`predictor: ../${name}`)).toEqual([`3:12 predictor: ${sentence}`]);
    expect(await problems(`predictor: ../${name}`, 'student: { num_steps: 4 }')).toEqual([
      `3:12 predictor: ${sentence}`,
    ]);
  });

  it('is trained with the name of its dataset, where that has one', async () => {
    const lines = ['schedule: { type: polynomial }', 'student: { solver: amed, num_steps: 4 }'];
    const trained = async (dataset: string) => compile(await parse(lines, [], dataset)).points[0]!.predictor!;
    expect((await trained('ffhq')).params).toMatchObject({ dataset: 'ffhq' });
    expect((await trained('{ checkpoint: a.pkl }')).params).not.toHaveProperty('dataset');
  });

  it('says the dataset, where the spec is silent and the registry has it', async () => {
    const parsed = (file: string, more = '') =>
      parseExperiment(`{ name: test, predictor: ../${file}${more} }`, 'specs/a.yaml', {
        cwd,
        models: '/models',
      });
    const datasetOf = async (...given: Parameters<typeof parsed>) =>
      (await parsed(...given)).points[0]!.dataset;
    expect((await datasetOf('amed.pkl')).name).toBe('digits');
    expect((await datasetOf('amed.pkl', ', dataset: ffhq')).name).toBe('ffhq');
    const inline = await datasetOf('amed.pkl', ', dataset: { checkpoint: a.pkl }');
    expect([inline.name, inline.checkpoint]).toEqual([undefined, join(cwd, 'specs/a.pkl')]);
    const message = (of: string) =>
      expect.stringContaining(`${of}: say as dataset (fewstep sample --dataset)`);
    await expect(parsed('dpmpp.safetensors')).rejects.toMatchObject({
      problems: [
        { path: 'predictor', sentence: message('dpmpp.safetensors does not say what it was trained on') },
      ],
    });
    const other = (await readFile(official)).toString('latin1').replace('digits', 'church');
    await writeFile(join(cwd, 'other.pkl'), other, 'latin1');
    await expect(parsed('other.pkl')).rejects.toMatchObject({
      problems: [{ path: 'predictor', sentence: message('was trained on church, which is no dataset here') }],
    });
  });

  it('leaves what else is wrong to be told where it can’t be read', async () => {
    const both = await parse(['predictor: ../missing.pkl'], [], 'cifra10').catch((error) => error.problems);
    expect(both.map(({ path }: { path: string }) => path)).toEqual(['dataset', 'predictor']);
  });

  it('is a path', async () => {
    expect(await problems('predictor: 4')).toEqual([
      '3:12 predictor: found 4, expected text such as network-snapshot-000010.pkl.',
    ]);
  });
});
