import { isDiscrete, isOnnx, onnxOf, type SpecOnnx } from './onnx.js';
import { isSteered, teacherName, trains } from './resolve.js';
import type { Spec } from './schema.js';

/** A key that only some combinations read. */
export interface Option {
  readonly path: string;
  /** The keys that decide: while one of them has a problem, the option counts as read. */
  readonly of: readonly string[];
  readonly read: (spec: Spec) => boolean;
  /** Who would read it, said when nobody in the experiment does. */
  readonly reader: string;
}

type Name = string | undefined;

const isOneOf =
  (...names: readonly Name[]) =>
  (solver: Name): boolean =>
    names.includes(solver);
const hasOrder = isOneOf('dpmpp', 'unipc', 'ipndm', 'ipndm_v', 'deis');
const isDpmppLike = isOneOf('dpmpp', 'unipc');
const isDeis = isOneOf('deis');
const isUnipc = isOneOf('unipc');
const isDpm = isOneOf('dpm');

/** A method's options below `part`, read while `active`. */
function methodOptions(
  part: 'student' | 'teacher' | 'reference',
  name: (spec: Spec) => Name,
  {
    of,
    active,
    plain,
  }: { of: readonly string[]; active: (spec: Spec) => boolean; plain: (spec: Spec) => boolean },
): Option[] {
  const option = (key: string, read: (spec: Spec) => boolean, reader: string): Option => ({
    path: `${part}.${key}`,
    of,
    read: (spec) => active(spec) && read(spec),
    reader,
  });
  return [
    option(
      'max_order',
      (spec) => hasOrder(name(spec)),
      'only dpmpp, unipc, ipndm, ipndm_v and deis have an order',
    ),
    option('predict_x0', (spec) => isDpmppLike(name(spec)), 'only dpmpp and unipc have this choice'),
    option('lower_order_final', (spec) => isDpmppLike(name(spec)), 'only dpmpp and unipc have this choice'),
    option('deis_mode', (spec) => isDeis(name(spec)), 'only deis has this choice'),
    option('variant', (spec) => isUnipc(name(spec)), 'only unipc has this choice'),
    option(
      'r',
      (spec) => isDpm(name(spec)) && plain(spec),
      part === 'student'
        ? 'only dpm with train: false places its middle point by r; a predictor places its own'
        : 'only dpm places its middle point by r',
    ),
  ];
}

function scheduleOptions(part: 'schedule' | 'reference.schedule', type: (spec: Spec) => Name): Option[] {
  const of = [`${part}.type`];
  return [
    {
      path: `${part}.rho`,
      of,
      read: (spec) => isOneOf('polynomial', 'time_uniform', 'discrete', 'gits')(type(spec)),
      reader:
        part === 'schedule'
          ? 'only polynomial, time_uniform, discrete and the grid of gits have an exponent'
          : 'only polynomial, time_uniform and discrete have an exponent',
    },
    {
      path: `${part}.sigmas`,
      of,
      read: (spec) => type(spec) === 'explicit',
      reader: 'only the schedule explicit lists its noise levels',
    },
  ];
}

/** A key below `dataset.onnx`, of one that is read. */
const onnxOption = (key: string, read: (onnx: SpecOnnx) => boolean, reader: string): Option => ({
  path: `dataset.onnx.${key}`,
  of: ['dataset.checkpoint', 'dataset.onnx.parametrization', 'dataset.onnx.betas.type'],
  read: ({ dataset }) => {
    const onnx = onnxOf(dataset);
    return onnx !== undefined && read(onnx);
  },
  reader,
});

const always = () => true;
const training = 'only the training of a predictor does, and none is trained';

/** A key below one that nothing reads is not looked at. */
export const options: readonly Option[] = [
  {
    path: 'train',
    of: ['predictor'],
    read: ({ predictor }) => predictor === undefined,
    reader: 'predictor names one that is trained already',
  },
  { path: 'teacher', of: ['train', 'predictor'], read: trains, reader: training },
  { path: 'student.scale_dir', of: ['train'], read: isSteered, reader: training },
  { path: 'student.scale_time', of: ['train'], read: isSteered, reader: training },
  ...methodOptions('student', ({ student }) => student.solver, {
    of: ['student.solver', 'train'],
    active: always,
    plain: (spec) => !isSteered(spec),
  }),
  ...methodOptions('teacher', teacherName, {
    of: ['teacher.solver', 'student.solver', 'train'],
    active: trains,
    plain: always,
  }),
  ...methodOptions('reference', ({ reference }) => reference?.solver, {
    of: ['reference.solver'],
    active: ({ reference }) => reference !== undefined,
    plain: always,
  }),
  {
    path: 'guidance.rate',
    of: ['guidance.type'],
    read: ({ guidance }) => guidance !== undefined && guidance.type !== 'uncond',
    reader: 'only cg and cfg have a rate',
  },
  {
    path: 'guidance.prompt',
    of: ['guidance.type'],
    read: ({ guidance }) => guidance?.type === 'cfg',
    reader: 'only cfg leads to a prompt',
  },
  {
    path: 'guidance.prompts',
    of: ['guidance.type'],
    read: ({ guidance }) => guidance?.type === 'cfg',
    reader: 'only cfg leads to prompts',
  },
  {
    path: 'dataset.classifier',
    of: ['guidance.type'],
    read: ({ guidance }) => guidance?.type === 'cg',
    reader: 'only guidance cg asks a classifier',
  },
  {
    path: 'dataset.tokenizer',
    of: ['guidance.type'],
    read: ({ guidance }) => guidance?.type === 'cfg',
    reader: 'only guidance cfg has prompts',
  },
  {
    path: 'dataset.first_stage',
    of: ['dataset.checkpoint'],
    read: ({ dataset }) => !isOnnx(dataset),
    reader: 'an ONNX file has its decoder as onnx.decoder',
  },
  {
    path: 'dataset.network',
    of: ['dataset.checkpoint'],
    read: ({ dataset }) => !isOnnx(dataset),
    reader: 'it tells what weights don’t show, and an ONNX file has the whole network',
  },
  {
    path: 'dataset.onnx',
    of: ['dataset.checkpoint'],
    read: ({ dataset }) => isOnnx(dataset),
    reader: 'only a checkpoint that is ONNX (.onnx) needs it',
  },
  onnxOption(
    'betas',
    (onnx) => isDiscrete(onnx) || onnx.parametrization === 'denoiser',
    'edm is of no noise in discrete times',
  ),
  onnxOption(
    'scale_factor',
    ({ decoder }) => decoder !== undefined,
    'only a decoder has latents, and there is none',
  ),
  onnxOption('sigma_data', (onnx) => onnx.parametrization === 'edm', 'only edm depends on it'),
  ...['start', 'end'].map((key) =>
    onnxOption(
      `betas.${key}`,
      ({ betas }) => betas?.type === 'linear' || betas?.type === 'scaled_linear',
      'only linear and scaled_linear have a first and a last β',
    ),
  ),
  onnxOption(
    'betas.steps',
    ({ betas }) => betas?.type !== 'explicit',
    'explicit ones are as many as are listed',
  ),
  onnxOption(
    'betas.alphas_cumprod',
    ({ betas }) => betas?.type === 'explicit',
    'only explicit ones are listed',
  ),
  ...scheduleOptions('schedule', ({ schedule }) => schedule.type),
  ...['metric', 'coeff', 'num_warmup', 'num_steps_tea'].map(
    (key): Option => ({
      path: `schedule.${key}`,
      of: ['schedule.type'],
      read: ({ schedule }) => schedule.type === 'gits',
      reader: 'only the schedule gits is searched',
    }),
  ),
  ...scheduleOptions('reference.schedule', ({ reference }) => reference?.schedule?.type),
];
