import { datasetEntry, datasetFacts, datasetGuidance } from './datasets.js';
import { betaRange, isDiscrete, isOnnx, onnxOf } from './onnx.js';
import { isSteered, teacherName } from './resolve.js';
import type { metricNames, Spec } from './schema.js';
import { parseSeeds } from './seeds.js';

/** A combination that a schema can't rule out. */
export interface Rule {
  /**
   * The keys it judges: it is asked only when none of them has a problem already, and reads nothing else that a spec
   * could get wrong. Its complaint goes to the one that was laid down last (grid over base), the first among equals.
   */
  readonly of: readonly string[];
  /** What is wrong with the combination; false when it is possible. */
  readonly broken: (spec: Spec) => string | false;
  /** A more exact place, in the path of one of the keys. */
  readonly at?: (spec: Spec) => string;
}

/** Methods that stand for themselves only. */
const withoutPredictor: readonly string[] = ['heun', 'unipc', 'ipndm_v', 'deis'];

/** Methods with no fourth order. */
const upToThree: readonly (string | undefined)[] = ['dpmpp', 'unipc'];

const scores = (spec: Spec, metric: (typeof metricNames)[number]): boolean =>
  Array.isArray(spec.evaluate) && spec.evaluate.includes(metric);

/** The parts of a spec that name a method, with how to speak of them. */
const methods = [
  {
    part: 'student',
    solver: (spec: Spec) => spec.student.solver,
    order: (spec: Spec) => spec.student.max_order,
  },
  { part: 'teacher', solver: teacherName, order: (spec: Spec) => spec.teacher?.max_order },
  {
    part: 'reference',
    solver: (spec: Spec) => spec.reference?.solver,
    order: (spec: Spec) => spec.reference?.max_order,
  },
] as const;

const schedules = [
  {
    key: 'schedule',
    steps: 'student.num_steps',
    schedule: (spec: Spec) => spec.schedule,
    numSteps: (spec: Spec) => spec.student.num_steps,
  },
  {
    key: 'reference.schedule',
    steps: 'reference.num_steps',
    schedule: (spec: Spec) => spec.reference?.schedule,
    numSteps: (spec: Spec) => spec.reference?.num_steps,
  },
] as const;

export const rules: readonly Rule[] = [
  {
    of: ['train', 'student.solver'],
    broken: (spec) =>
      spec.student.solver === 'amed' &&
      !isSteered(spec) &&
      'amed is nothing without its predictor: remove train: false, or take a plain student (euler, heun, dpm, dpmpp, unipc, ipndm, ipndm_v, deis).',
  },
  {
    of: ['student.solver', 'train'],
    broken: (spec) =>
      withoutPredictor.includes(spec.student.solver) &&
      isSteered(spec) &&
      `${spec.student.solver} has no predictor to train: add train: false, or take another student (amed, euler, dpm, dpmpp, ipndm).`,
  },
  ...methods.map(
    ({ part, solver, order }): Rule => ({
      of: [`${part}.max_order`, `${part}.solver`, 'student.solver'],
      broken: (spec) =>
        upToThree.includes(solver(spec)) &&
        order(spec) === 4 &&
        `${solver(spec)} goes up to order 3; only ipndm, ipndm_v and deis have order 4.`,
      at: () => `${part}.max_order`,
    }),
  ),
  ...schedules.flatMap(({ key, steps, schedule, numSteps }): Rule[] => [
    {
      of: [`${key}.type`, `${key}.sigmas`],
      broken: (spec) =>
        schedule(spec)?.type === 'explicit' &&
        schedule(spec)?.sigmas === undefined &&
        'an explicit schedule is its noise levels: add sigmas, a descending list of num_steps numbers.',
    },
    {
      of: [`${key}.sigmas`, `${key}.type`, steps],
      broken: (spec) => {
        const levels = schedule(spec)?.type === 'explicit' ? schedule(spec)?.sigmas : undefined;
        const count = numSteps(spec);
        return (
          levels !== undefined &&
          levels.length !== count &&
          `${levels.length} noise levels but num_steps ${count}: give as many as there are timestamps, sigma_max and sigma_min included.`
        );
      },
    },
    {
      of: [`${key}.sigmas`, `${key}.type`],
      broken: (spec) => {
        const levels = (schedule(spec)?.type === 'explicit' && schedule(spec)?.sigmas) || [];
        const i = levels.findIndex((level, k) => k > 0 && level >= levels[k - 1]!);
        return (
          i > 0 && `${levels[i]} follows ${levels[i - 1]}: noise levels descend, from sigma_max to sigma_min.`
        );
      },
      at: () => `${key}.sigmas`,
    },
    {
      of: [`${key}.sigmas`, `${key}.type`, 'dataset.sigma_min', 'dataset.sigma_max'],
      broken: (spec) => {
        const levels = (schedule(spec)?.type === 'explicit' && schedule(spec)?.sigmas) || [];
        const { sigmaMin = 0, sigmaMax = Infinity } = datasetFacts(spec.dataset);
        const outside = levels.find((level) => level < sigmaMin || level > sigmaMax);
        return (
          outside !== undefined &&
          `${outside} is outside the dataset's noise levels, ${sigmaMin} (sigma_min) to ${sigmaMax} (sigma_max).`
        );
      },
      at: () => `${key}.sigmas`,
    },
  ]),
  {
    of: ['student.num_steps', 'schedule.num_steps_tea', 'schedule.type'],
    broken: ({ schedule, student }) => {
      const levels = schedule.type === 'gits' ? (schedule.num_steps_tea ?? 61) : Infinity;
      return (
        student.num_steps > levels &&
        `num_steps ${student.num_steps} is more than gits can choose from, ${levels} noise levels (num_steps_tea): raise num_steps_tea, or take fewer steps.`
      );
    },
  },
  {
    of: ['dataset.sigma_min', 'dataset.sigma_max'],
    broken: (spec) => {
      const { sigmaMin = 0, sigmaMax = Infinity } = datasetFacts(spec.dataset);
      return sigmaMin >= sigmaMax && `sigma_min ${sigmaMin} must be below sigma_max ${sigmaMax}.`;
    },
  },
  {
    of: ['dataset.checkpoint', 'dataset.onnx'],
    broken: ({ dataset }) =>
      isOnnx(dataset) &&
      onnxOf(dataset) === undefined &&
      'an ONNX file does not say what its network gives: add onnx: { parametrization: … } to the dataset, one of eps, v, x0, edm, denoiser.',
  },
  {
    of: ['dataset.onnx.parametrization', 'dataset.onnx.betas', 'dataset.checkpoint'],
    broken: ({ dataset }) =>
      isDiscrete(onnxOf(dataset)) &&
      onnxOf(dataset)?.betas === undefined &&
      `${onnxOf(dataset)?.parametrization} is of the noise of a training: add betas, as { type: linear }.`,
  },
  {
    of: ['dataset.onnx.betas.alphas_cumprod', 'dataset.onnx.betas.type'],
    broken: ({ dataset }) => {
      const betas = onnxOf(dataset)?.betas;
      if (betas?.type !== 'explicit') return false;
      const { alphas_cumprod: alphas } = betas;
      if (!alphas) return 'explicit betas are what they come to: add alphas_cumprod, a descending list.';
      const i = alphas.findIndex((alpha, k) => alpha >= (alphas[k - 1] ?? 1));
      return i >= 0 && `alphas_cumprod[${i}] is ${alphas[i]}: they fall from below 1, with the time.`;
    },
  },
  {
    of: ['dataset.onnx.betas.start', 'dataset.onnx.betas.end', 'dataset.onnx.betas.type'],
    broken: ({ dataset }) => {
      const betas = onnxOf(dataset)?.betas;
      if (betas?.type !== 'linear' && betas?.type !== 'scaled_linear') return false;
      const { start, end } = { ...betaRange[betas.type], ...betas };
      return start >= end && `start ${start} must be below end ${end}: noise grows with the time.`;
    },
  },
  {
    of: [
      'dataset.onnx.parametrization',
      'dataset.onnx.betas',
      'dataset.sigma_min',
      'dataset.sigma_max',
      'dataset.checkpoint',
    ],
    broken: ({ dataset }) =>
      typeof dataset !== 'string' &&
      onnxOf(dataset)?.parametrization === 'denoiser' &&
      onnxOf(dataset)?.betas === undefined &&
      (dataset.sigma_min === undefined || dataset.sigma_max === undefined) &&
      'a denoiser does not say what noise it was trained on: add sigma_min and sigma_max to the dataset, or betas to onnx.',
  },
  {
    of: ['dataset.onnx.decoder', 'dataset.onnx.scale_factor', 'dataset.checkpoint'],
    broken: ({ dataset }) => {
      const onnx = onnxOf(dataset);
      return (
        onnx?.decoder !== undefined &&
        onnx.scale_factor === undefined &&
        'a decoder does not say what its latents were multiplied by for the network: add scale_factor beside it, 0.18215 for Stable Diffusion, 1 for a decoder of fewstep models export.'
      );
    },
  },
  {
    of: ['guidance.type', 'dataset'],
    broken: ({ guidance, dataset }) => {
      if (!guidance || !isOnnx(dataset)) return false;
      const onnx = onnxOf(dataset);
      switch (guidance.type) {
        case 'cfg':
          return (
            onnx?.text_encoder === undefined &&
            'cfg leads to a prompt, and the network of an ONNX file has nothing that encodes it: add its text encoder as dataset.onnx.text_encoder, or remove guidance.'
          );
        case 'cg':
          return 'the network of an ONNX file has no gradient of a classifier: remove guidance, or export it with its guidance inside.';
        case 'uncond':
          return (
            (onnx?.decoder === undefined || onnx.text_encoder !== undefined) &&
            'uncond is of latent diffusion without prompts: remove guidance, or give the decoder of its latents as dataset.onnx.decoder and no text_encoder.'
          );
      }
    },
    at: () => 'guidance.type',
  },
  {
    of: ['dataset.onnx.text_encoder', 'dataset.checkpoint', 'guidance'],
    broken: ({ guidance, dataset }) =>
      !guidance &&
      onnxOf(dataset)?.text_encoder !== undefined &&
      'a network with a text encoder draws what it is told: add guidance: { type: cfg, prompt: … }.',
  },
  {
    of: ['guidance.type', 'dataset'],
    broken: ({ guidance, dataset }) => {
      if (!guidance || isOnnx(dataset)) return false;
      if (typeof dataset === 'string') {
        const has = datasetGuidance(dataset);
        return (
          guidance.type !== has &&
          `${dataset} has no guidance ${guidance.type}: ${has ? `take ${has}` : 'remove guidance'}, or name another dataset.`
        );
      }
      return (
        guidance.type === 'cg' &&
        dataset.classifier === undefined &&
        'cg follows the gradient of a classifier, and the dataset has none: add its file as dataset.classifier, or remove guidance.'
      );
    },
    at: () => 'guidance.type',
  },
  {
    of: ['dataset', 'guidance'],
    broken: ({ guidance, dataset }) =>
      typeof dataset === 'string' &&
      datasetGuidance(dataset) === 'cfg' &&
      !guidance &&
      `${dataset} draws what it is told: add guidance: { type: cfg, prompt: … }.`,
  },
  {
    of: ['guidance.type', 'guidance.prompt', 'guidance.prompts', 'dataset'],
    broken: ({ guidance, dataset }) =>
      guidance?.type === 'cfg' &&
      guidance.prompt === undefined &&
      guidance.prompts === undefined &&
      !(typeof dataset === 'string' && datasetEntry(dataset).files.prompts) &&
      'cfg leads to a prompt: add prompt, a text or a list of texts, or prompts, a file of them.',
  },
  {
    of: ['guidance.prompt', 'guidance.prompts'],
    broken: ({ guidance }) =>
      guidance?.prompt !== undefined &&
      guidance.prompts !== undefined &&
      'prompt lists the prompts, and prompts is a file of them: remove one.',
  },
  {
    of: ['sample.seeds'],
    broken: (spec) => {
      try {
        parseSeeds(spec.sample?.seeds ?? 0);
        return false;
      } catch (error) {
        return `${(error as Error).message}.`;
      }
    },
  },
  ...(['fid', 'kid', 'prdc'] as const).flatMap((metric): Rule[] => [
    {
      of: ['dataset'],
      broken: (spec) => {
        if (!scores(spec, metric)) return false;
        const { referenceData, featureNetwork } = datasetFacts(spec.dataset);
        const missing = [
          ...(referenceData === undefined ? ['reference_data'] : []),
          ...(featureNetwork === undefined ? ['feature_network'] : []),
        ];
        const dataset = typeof spec.dataset === 'string' ? spec.dataset : 'the dataset';
        return (
          missing.length > 0 &&
          `${metric} compares features of the samples with those of real images, but ${dataset} has no ${missing.join(' and no ')}: ` +
            'write dataset as a map with checkpoint, reference_data and feature_network, or score rmse_to_teacher, which needs neither.'
        );
      },
      at: (spec) => `evaluate.${spec.evaluate!.indexOf(metric)}`,
    },
    {
      of: ['dataset'],
      broken: (spec) =>
        metric !== 'fid' &&
        scores(spec, metric) &&
        /\.npz$/i.test(datasetFacts(spec.dataset).referenceData ?? '') &&
        `${metric} needs the real images themselves, and a .npz holds only their mean and covariance: give a zip or folder of images as reference_data.`,
      at: (spec) => `evaluate.${spec.evaluate!.indexOf(metric)}`,
    },
  ]),
];
