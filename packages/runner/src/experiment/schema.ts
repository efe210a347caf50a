import { families, familyFiles, familyValues } from '@fewstep/models/families';
import { choice, flag, integer, number } from '@fewstep/schedules';
import type { FromSchema } from 'json-schema-to-ts';
import type { JsonSchema } from '../judging/json-schema.js';
import type { Dataset } from './datasets.js';
import { type Declarations, type Declared, elsewhereIn, gits, listed, optionsOf } from './declared.js';
import { guidanceNames, guidances } from './guidances.js';
import { registry } from './published-models.js';

// Plain JSON Schema, which editors read too; the types follow from it.

/** What only some methods or schedules read: checked against the schema, typed where it is resolved. */
const told = (declared: readonly Declared[]) => optionsOf(declared) as Readonly<Record<never, never>>;

/** A map of no other keys than these. */
const object = <const P extends Readonly<Record<string, JsonSchema>>, const R extends readonly string[]>(
  description: string,
  required: R,
  properties: P,
) => ({ type: 'object', additionalProperties: false, description, required, properties }) as const;
const text = (description: string, ...examples: readonly string[]) =>
  ({ type: 'string', minLength: 1, ...(examples.length > 0 && { examples }), description }) as const;

/** How a predictor is trained. */
export const trainChoices = {
  total_kimg: number(
    { exclusiveMinimum: 0, maximum: 1_000_000 },
    10,
    'Teacher trajectories for the predictor, in thousands.',
  ),
  batch: integer(1, 65_536, 128, 'Images in one optimiser iteration.'),
  lr: number({ exclusiveMinimum: 0 }, 0.005, 'Learning rate of Adam.'),
  loss_weight: choice(
    ['official', 'end_to_end'],
    'official',
    'What a step answers for: its own distance to the teacher (official, as in the paper), or that of the sample in the end (end_to_end: nearer, at two to three times the evaluations).',
  ),
  seed: integer(
    0,
    4294967295,
    0,
    'Of a predictor’s initial weights, or of the images that a table is fitted to.',
  ),
  validation: integer(
    0,
    65_536,
    0,
    'Images that nothing is trained on: the log tells how far off they are, and they choose the round of a table, the iteration of a predictor on one. 0: none.',
  ),
};

/** Images that a table is fitted to in one task: sums of floats depend on how they are cut, so always the same. */
export const fitBlock = 16;

/** How a table is fitted. */
export const fitChoices = {
  images: integer(
    1,
    65_536,
    512,
    `Images that a table is fitted to, made up to a multiple of ${fitBlock}; so are those of validation.`,
  ),
  final_rounds: integer(1, 64, 1, 'Rounds on all images at the end.'),
  validation: integer(1, 65_536, 128, trainChoices.validation.description),
  contrast: number(
    { minimum: 0, maximum: 1000 },
    4,
    'How much a table’s contrast, by frequency band, counts beside values; 0: not.',
  ),
  match_energy: flag(false, 'Brings samples to the teacher’s energy at the end, band by band.'),
  seed: integer(0, 1023, 0, trainChoices.seed.description),
  loss: choice(
    ['l2', 'features'],
    'l2',
    'What is held against the teacher’s: values (l2), or of pixels also what a feature network sees (features).',
  ),
};

/** What only a loss on features is told. */
export const featureLossKeys = {
  feature_network: text(
    'Network of the loss on features: as dataset.feature_network, or inception or dinov2. Default: the dataset’s, which scores are by.',
    'features.onnx',
  ),
  feature_weight: number(
    { exclusiveMinimum: 0, maximum: 1_000_000 },
    1,
    'How much features count beside pixels, each as a part of its variance.',
  ),
} as const;

/** How a predictor on top of a table is trained: towards where its teacher ends, which is all that a table has of it. */
const { loss_weight: _, ...towardsTheEnd } = trainChoices;
export const onTableChoices = towardsTheEnd;

/** How far it may scale the noise levels that the network is told, where a spec doesn't say. */
export const onTableScaleTime = 0.5;

/** What may be trained, as what reads the keys of `train`. */
export const trainings = {
  predictor: { name: 'the training of a predictor', options: trainChoices },
  table: { name: 'the training of a table', options: fitChoices },
} as const;
const train = object('Training of predictor or table; false: the plain solver.', [], {
  ...told(Object.values(trainings)),
  ...featureLossKeys,
});

const predictor = {
  ...text(
    'A trained predictor to sample with, relative to the spec: predictor.safetensors of a run, or a .pkl or .pt of the official training. It tells dataset, student and schedule, which may be left out.',
    'network-snapshot-000010.pkl',
  ),
  keyElsewhere: ['predictor_path'],
};

const sampler = text(
  'A table to sample with, relative to the spec: sampler.json of a training or of fewstep samplers compile. It tells dataset, student and schedule, which may be left out. With student.steering: predictor one is trained on top of it.',
  'sampler.json',
);

const published = text(
  'A file of published figures, relative to the spec: those of a sampler’s dataset, settings and NFE stand beside its fid.',
  'published.yaml',
);

/** What a spec may say of which images are drawn, each with what it is where nothing is said. */
export const sampleKeys = {
  seeds: {
    anyOf: [
      { type: 'string', examples: ['0-49999'] },
      { type: 'integer', minimum: 0 },
    ],
    default: '0-63',
    description:
      'One seed per image, as 0-49999 or 1,2,5-10, up to 4294967295: seed 17 is the same image in any batch.',
  },
  repeats: integer(
    1,
    1000,
    1,
    'Blocks of equal size that the seeds are cut into, in their order, each scored by itself; a score is their mean: 3 of 0-149999 are three times 50,000 images.',
  ),
  batch: integer(1, 65_536, 64, 'Images evaluated at once. Memory and speed only: it changes no result.'),
  grid: {
    type: 'string',
    pattern: '^[1-9][0-9]{0,2}x[1-9][0-9]{0,2}$',
    default: '8x8',
    examples: ['8x8'],
    description: 'Columns and rows of the picture, e.g. 8x8; filled with the first seeds.',
  },
  paths: integer(
    0,
    64,
    0,
    'Of how many of its first seeds the way from noise to image is kept, beside the reference’s, for the report. Each takes the evaluations of one more image, and once the reference’s.',
  ),
  rng: choice(
    ['torch-cpu', 'torch-cuda'],
    'torch-cpu',
    'PyTorch’s generator that latents and random classes are drawn from, on a CPU or on a CUDA card: torch-cuda gives each seed the image that official runs on a GPU gave it. Training draws from torch-cpu.',
  ),
  classes: {
    anyOf: [
      { type: 'string', const: 'random' },
      { type: 'integer', minimum: 0, title: 'a class from 0' },
      {
        type: 'array',
        items: { type: 'integer', minimum: 0, title: 'a class from 0' },
        minItems: 1,
        title: 'a list of classes',
      },
    ],
    default: 'random',
    description:
      'Classes of a network that has them: random draws one per seed, a number is the class of every image, of a list seed s gets entry s mod its length. Latents do not depend on it, nor does training, which draws classes at random.',
  },
} as const;
const sample = object('Which images are drawn.', [], {
  ...sampleKeys,
  tuned_on: {
    anyOf: [
      { type: 'string', examples: ['0-511'] },
      { type: 'integer', minimum: 0 },
    ],
    description:
      'Seeds that settings were chosen on: scores of images among them are flagged. It changes no result.',
  },
});

const count = { type: 'integer', minimum: 1, maximum: 65_536 } as const;
const beta = { type: 'number', exclusiveMinimum: 0, maximum: 1 } as const;

/** What a checkpoint is told. */
export const networkSchema = object(
  'What weights don’t show, under the names of the model’s configuration. Left out: what is published of a file of that name, or what a folder’s own configuration says; what nothing says of a U-Net of ADM’s kind is asked for.',
  [],
  familyValues,
);

/** What a CLIP is told. */
export const clipNetworkSchema = object(
  'What weights of a CLIP don’t show, where its file is none of OpenAI’s, nor a ViT-g or ViT-bigG of OpenCLIP’s; what it lacks is asked for.',
  [],
  {
    activation: {
      enum: ['quick_gelu', 'gelu'],
      description:
        'Activation of both encoders: quick_gelu in OpenAI’s networks, gelu in most of OpenCLIP’s.',
    },
    vision_heads: { ...count, description: 'Attention heads of the image encoder.' },
    text_heads: { ...count, description: 'Attention heads of the text encoder.' },
  },
);

const betas = object(
  'Discrete times that the network was trained on: needed for eps, v and x0; gives a denoiser its noise range and the schedule discrete.',
  ['type'],
  {
    type: {
      enum: ['linear', 'scaled_linear', 'cosine', 'explicit'],
      description:
        'β evenly spaced (linear, DDPM), √β evenly spaced (scaled_linear, Stable Diffusion), ᾱ a squared cosine (cosine, improved DDPM), or ᾱ listed (explicit).',
    },
    start: { ...beta, description: 'First β. Default: 0.0001 (linear), 0.00085 (scaled_linear).' },
    end: { ...beta, description: 'Last β. Default: 0.02 (linear), 0.012 (scaled_linear).' },
    steps: integer(2, 100_000, 1000, 'Number of times; the network is told them from 0.'),
    alphas_cumprod: {
      type: 'array',
      items: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      minItems: 2,
      maxItems: 100_000,
      description: 'explicit only: ᾱ of each time, descending.',
    },
  },
);

const onnx = object(
  'How a checkpoint that is ONNX (.onnx) is a denoiser. Inputs, output and sizes are read off it where names are usual and sizes fixed.',
  ['parametrization'],
  {
    parametrization: {
      enum: ['eps', 'v', 'x0', 'edm', 'denoiser'],
      description:
        'What the network gives: the noise (eps), the velocity (v) or the image (x0) of the scaled image at a discrete time; F of EDM’s preconditioning (edm); the denoised image itself, told sigma (denoiser, as fewstep models export writes).',
    },
    betas,
    sigma_data: number({ exclusiveMinimum: 0 }, 0.5, 'edm only: standard deviation of the data.'),
    inputs: object('Names of its inputs, where they are none of the usual ones.', [], {
      x: text('The noisy image; found as x, sample, z, latents or input.'),
      noise: text('The time or noise level; found as sigma, timestep, t or noise.'),
      labels: text('The classes, one-hot or their numbers; found as class_labels, y or labels.'),
      condition: text('The encoded prompt; found as encoder_hidden_states, condition or context.'),
    }),
    output: text('Name of its output; default: its only one, or a usual name.'),
    bottleneck: text(
      'Name of what a predictor reads: [n,8,8], [n,64], or a feature map [n,k,8,8] whose channels are averaged. Default: its output bottleneck; where there is none, predictors read zeros.',
    ),
    channels: { ...count, description: 'Channels of the image, where the file leaves them open.' },
    resolution: { ...count, description: 'Height and width of the image, where the file leaves them open.' },
    classes: { ...count, description: 'Number of classes, where the network is told their numbers.' },
    text_encoder: text(
      'ONNX file of the text encoder of a network that attends to prompts, relative to the spec: numbers of CLIP’s tokens [n,positions] to [n,positions,width]; for guidance cfg.',
      'text_encoder/model.onnx',
    ),
    decoder: text(
      'ONNX file that makes pictures of latents, where the network denoises latents, relative to the spec: [n,c,r,r] to [n,C,R,R], -1 black to 1 white.',
      'vae_decoder/model.onnx',
    ),
    scale_factor: {
      type: 'number',
      exclusiveMinimum: 0,
      description:
        'What the decoder’s latents were multiplied by for the network: 0.18215 in Stable Diffusion v1 and v2; 1 where the decoder undoes it itself, as fewstep models export writes.',
    },
  },
);

const guidance = object(
  'How samples are led to what they shall show; left out where the model has nothing to lead it by.',
  ['type'],
  {
    type: {
      enum: guidanceNames,
      description: guidanceNames.map((name) => `${name}: ${guidances[name].leads}.`).join(' '),
      keyElsewhere: ['guidance_type'],
    },
    rate: {
      type: 'number',
      minimum: 0,
      maximum: 1000,
      description: `How strongly: ${guidanceNames
        .flatMap((name) => {
          const { rate } = guidances[name];
          return rate ? `${rate.of} (${name}, default ${rate.default})` : [];
        })
        .join('; ')}.`,
      keyElsewhere: ['guidance_rate', 'guidance_scale', 'cfg', 'cfg_scale', 'classifier_scale'],
    },
    prompt: {
      anyOf: [
        { type: 'string', examples: ['a photo of a cat'] },
        { type: 'array', items: { type: 'string' }, minItems: 1, title: 'a list of prompts' },
      ],
      description:
        'cfg only: the prompt of every image, or a list, of which seed s gets entry s mod its length. Training images, too.',
    },
    prompts: {
      ...text(
        'cfg only, in place of prompt: a file of the list, relative to the spec: text with a prompt a line, or a CSV (.csv) with a column text. Default for ms_coco: its official 30,000 captions.',
        'captions.txt',
      ),
      keyElsewhere: ['prompt_path', 'caption_path', 'captions'],
    },
  },
);

const whose = families.map(({ files }) => files);
/** Names of datasets that editors propose: those of the registry, and of packages of ours. */
const proposed = ['digits', 'emoji', ...Object.keys(registry)];

const datasetMap = object('A denoiser and the data it models.', [], {
  name: {
    title: 'the name of a dataset',
    anyOf: [{ enum: proposed }, { type: 'string' }],
    description:
      'A dataset by its name, which the keys beside it change or add to; beside another checkpoint it is its data alone.',
  },
  checkpoint: {
    ...text(
      `The denoiser, relative to the spec: a file of ${listed(whose, 'or')}, a folder in diffusers’ layout, any network as ONNX (.onnx) with onnx beside, or a folder of ONNX files, as Optimum and fewstep models export write it.`,
      'edm-cifar10-32x32-uncond-vp.pkl',
    ),
    keyElsewhere: ['model_path', 'model', 'ckpt', 'ckpt_path', 'network_pkl', 'weights'],
  },
  sigma_min: {
    type: 'number',
    exclusiveMinimum: 0,
    description:
      'Smallest noise level, data units. Default: 0.002 for EDM’s networks, else the smallest of the checkpoint’s training.',
  },
  sigma_max: {
    type: 'number',
    exclusiveMinimum: 0,
    description:
      'Largest noise level, data units. Default: 80 for EDM’s networks, else the largest of the checkpoint’s training.',
  },
  ...familyFiles,
  tokenizer: text(
    'Folder with vocab.json and merges.txt of the text encoder, relative to the spec; for guidance cfg. Default: the folder tokenizer of a checkpoint in diffusers’ layout, else CLIP’s own vocabulary.',
    'tokenizer',
  ),
  network: networkSchema,
  onnx,
  reference_data: {
    ...text(
      'Real images: a zip or folder, or for fid alone a .npz with mu and sigma, or EDM2’s .pkl of them; relative to the spec.',
      'train.zip',
    ),
    keyElsewhere: ['ref', 'ref_path', 'ref_stats', 'real_data', 'data_path'],
  },
  feature_network: text(
    'ONNX file, input images float32 [n,c,h,w] in 0..255, output features [n,d]; or weights of FID’s Inception-v3 or DINOv2; relative to the spec.',
    'features.onnx',
    'pt_inception-2015-12-05-6726825d.pth',
  ),
  feature_resize: choice(
    ['tensorflow', 'pytorch'],
    'tensorflow',
    'How images come to the size of Inception-v3, of weights alone: as in the original FID and EDM’s fid.py, or as in pytorch-fid.',
  ),
  clip: text(
    'A CLIP with vision transformer, for clip_score: a file of OpenCLIP (open_clip_pytorch_model.bin, .safetensors), OpenAI (ViT-L-14.pt) or Hugging Face’s transformers; relative to the spec. Default for ms_coco: OpenCLIP’s ViT-g/14.',
    'open_clip_pytorch_model.bin',
  ),
  clip_network: clipNetworkSchema,
});
/** The keys of a dataset, which has a name or a checkpoint, or both. */
export const datasetSchema = { ...datasetMap, title: 'a map with its checkpoint' } as const;

/** A schedule that needs no search, and one that may be searched. */
function schedulesOf(given: Declarations['given']) {
  const names = given.map(({ name }) => name);
  const spacings = given.map(({ name, spacing }) => `${name}: ${spacing}`).join('; ');
  const ofType = <N extends string>(
    description: string,
    types: readonly N[],
    how: string,
    of: readonly Declared[],
  ) =>
    object(description, ['type'], {
      type: {
        enum: types,
        description: how,
        valuesElsewhere: elsewhereIn(of),
        keyElsewhere: ['schedule_type', 'scheduler', 'noise_schedule'],
      },
      ...told(of),
    });
  return {
    schedule: ofType(
      'Noise levels (sigmas, in data units) that teacher and student share.',
      [...names, 'gits'],
      `How the noise levels are spaced between sigma_max and sigma_min. ${spacings}; gits: searched within a fine polynomial grid, by what Euler steps along warm-up trajectories would cost.`,
      [...given, gits],
    ),
    givenSchedule: ofType(
      'Its own noise levels. Default: polynomial, rho 7.',
      names,
      'How its noise levels are spaced between sigma_max and sigma_min.',
      given,
    ),
  };
}

/** What a table begins from where a spec names no method, and the sampler that it is fitted to: heun with 35 evaluations. */
export const defaultStart = 'ipndm';
export const heun35 = { solver: 'heun', num_steps: 18, denoise_to_zero: true } as const;

const numSteps = { type: 'integer', minimum: 2, maximum: 1001 } as const;
const denoiseToZero = flag(false, 'One more evaluation at sigma_min, whose denoised image is the sample.');

const studentOf = ({ plain, students, generators }: Declarations) => {
  const steered = students.map(({ name }) => name);
  const fitted = generators.map(({ name, description }) => `${name} (${description})`);
  return object('The few-step sampler under study.', ['solver', 'num_steps'], {
    solver: {
      enum: [...new Set([...students, ...plain, ...generators].map(({ name }) => name))],
      description: `Method of the student. Those of a predictor: ${listed(steered)}. Of a table that is fitted, by what is free in it: ${listed(fitted)}. Any other needs train: false.`,
      valuesElsewhere: elsewhereIn([...students, ...plain, ...generators]),
      keyElsewhere: ['sampler_stu', 'sampler_name', 'method'],
    },
    start: {
      enum: plain.map(({ name }) => name),
      default: defaultStart,
      description:
        'Of a table: the plain method that it begins from, with num_steps, afs and the schedule; its options are keys beside it.',
    },
    num_steps: {
      ...numSteps,
      description: 'Timestamps of the schedule, so num_steps − 1 intervals.',
      keyElsewhere: ['steps', 'num_inference_steps', 'sampling_steps', 'n_steps', 'ddim_steps'],
    },
    afs: flag(false, 'Analytical first step: the first evaluation is replaced by a formula and saved.'),
    denoise_to_zero: denoiseToZero,
    steering: choice(
      ['predictor', 'table'],
      'predictor',
      'Of a student with a predictor, who steers it: the predictor, by what the network shows of each image; or a table, for all images alike. Beside sampler: predictor trains one that tells the network, after the first evaluation, other noise levels than the table, of each image its own, within scale_time.',
    ),
    bottleneck: choice(
      ['network', 'zero'],
      'network',
      'What the predictor reads in sampling: what the network shows of each image (network), on which it is trained, or zeros, so that it decides alike for all, as where its steps are handed to diffusers as a list (zero).',
    ),
    ...told([...students, ...plain, ...generators]),
  });
};

const teacherOf = ({ plain, given }: Declarations) =>
  object(
    'Where the training trajectories of a predictor come from, or the samples that a table is fitted to.',
    [],
    {
      solver: {
        enum: plain.map(({ name }) => name),
        description:
          'Method of the teacher. Default: heun for amed and tables, else the student’s own. Options that a teacher of the student’s own method leaves out are the student’s.',
        valuesElsewhere: elsewhereIn(plain),
        keyElsewhere: ['sampler_tea'],
      },
      num_steps: {
        ...numSteps,
        default: heun35.num_steps,
        description: 'Of a table: timestamps of its teacher, which has its own.',
      },
      afs: flag(false, 'Of a table: analytical first step of its teacher.'),
      denoise_to_zero: flag(
        heun35.denoise_to_zero,
        `Of a table: of its teacher. ${denoiseToZero.description}`,
      ),
      schedule: schedulesOf(given).givenSchedule,
      M: integer(
        1,
        100,
        1,
        'Of a predictor: steps that the teacher takes between two timestamps of the student, beside the last: M + 1 per interval.',
      ),
      ...told(plain),
    },
  );

const referenceOf = ({ plain, given }: Declarations) =>
  object(
    'The near-exact solution that rmse_to_teacher and psnr_to_teacher compare with, from the same seeds. Default: heun with 35 evaluations (num_steps 18, denoise_to_zero), polynomial, rho 7.',
    ['solver', 'num_steps'],
    {
      solver: {
        enum: plain.map(({ name }) => name),
        description: 'Method of the reference.',
        valuesElsewhere: elsewhereIn(plain),
      },
      num_steps: { ...numSteps, description: 'Timestamps of the reference.' },
      afs: flag(false, 'Analytical first step.'),
      denoise_to_zero: denoiseToZero,
      schedule: schedulesOf(given).givenSchedule,
      ...told(plain),
    },
  );

/** One combination, of what is declared: what every point of a grid must come to. */
export const schemaOf = (declared: Declarations) =>
  object('One YAML file is one experiment.', ['name', 'dataset', 'schedule', 'student'], {
    name: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
      title: 'a name of letters, digits, dots and dashes, as digits-5-nfe',
      description: 'Name of the experiment and of its folder under results/.',
    },
    dataset: {
      keyElsewhere: ['dataset_name', 'data'],
      title: 'the name of a dataset, as digits or cifar10, or a map with its checkpoint',
      anyOf: [{ enum: proposed }, { type: 'string' }, datasetSchema],
      description:
        'A name: of datasets.yaml beside the spec, of the registry (cifar10, …) or of a package that is installed (digits); or the keys of one.',
    },
    schedule: schedulesOf(declared.given).schedule,
    guidance,
    teacher: teacherOf(declared),
    student: studentOf(declared),
    train: {
      anyOf: [{ type: 'boolean', const: false }, train],
      description:
        'Training of the predictor or table (default: with every default); false samples the plain solver.',
    },
    predictor,
    sampler,
    sample,
    reference: referenceOf(declared),
    evaluate: {
      type: 'array',
      items: { enum: declared.scores.map(({ name }) => name) },
      uniqueItems: true,
      default: [],
      keyElsewhere: ['metrics', 'scores', 'metric'],
      description: `Scores of the samples. ${declared.scores.map(({ name, description }) => `${name}: ${description}`).join(' ')}`,
    },
    published,
  });

interface Options {
  keepDefaultedPropertiesOptional: true;
}

/** One combination, as written: the grid is merged in, defaults are not. */
export type WrittenSpec = FromSchema<ReturnType<typeof schemaOf>, Options>;
/** The same with what the name of its dataset stands for. */
export type Spec = Omit<WrittenSpec, 'dataset'> & { readonly dataset: Dataset };
export type SpecSchedule = Spec['schedule'];
export type SpecGivenSchedule = NonNullable<NonNullable<Spec['reference']>['schedule']>;
