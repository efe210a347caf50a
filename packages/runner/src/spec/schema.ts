import Type, { type Static, type TSchema } from 'typebox';
import { datasetNames } from './datasets.js';

const closed = { additionalProperties: false } as const;

const plainNames = ['euler', 'heun', 'dpm', 'dpmpp', 'unipc', 'ipndm', 'ipndm_v', 'deis'] as const;
const solverNames = ['amed', ...plainNames] as const;
export const metricNames = ['fid', 'kid', 'prdc', 'rmse_to_teacher'] as const;

const maxOrder = Type.Integer({
  minimum: 1,
  maximum: 4,
  description:
    'Highest order of dpmpp and unipc (1 to 3, default 3) or ipndm, ipndm_v and deis (1 to 4, default 4).',
});
const predictX0 = Type.Boolean({
  description:
    'dpmpp and unipc only: predict the denoised image, with dynamic thresholding (default), or the noise.',
});
const lowerOrderFinal = Type.Boolean({
  description: 'dpmpp and unipc only: lower the order in the last steps (default true).',
});
const deisMode = Type.Enum(['tab', 'rhoab'], {
  description:
    'deis only: what its polynomials are in, the time of a variance-preserving process through sigma_min and sigma_max (tab, default) or sigma (rhoab, which is ipndm_v).',
});
const variant = Type.Enum(['bh1', 'bh2'], {
  description: 'unipc only: B(h) of its lowest orders, h (bh1) or e^h − 1 (bh2, default).',
});
const r = Type.Number({
  exclusiveMinimum: 0,
  maximum: 1,
  description: 'Plain dpm only: place of the middle point in log σ, as a fraction of the step (default 0.5).',
});

const denoiseToZero = Type.Boolean({
  default: false,
  description: 'One more evaluation at sigma_min, whose denoised image is the sample.',
});

const Schedule = Type.Object(
  {
    type: Type.Enum(['polynomial', 'logsnr', 'time_uniform', 'explicit'], {
      description: 'How the noise levels are spaced between sigma_max and sigma_min.',
    }),
    rho: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: 'Exponent of polynomial (default 7), time_uniform (default 1).',
      }),
    ),
    sigmas: Type.Optional(
      Type.Array(Type.Number({ exclusiveMinimum: 0 }), {
        minItems: 2,
        maxItems: 1001,
        description:
          'explicit only: the noise levels themselves, data units, descending, as many as num_steps. Needs train: false.',
      }),
    ),
  },
  { ...closed, description: 'The noise levels (sigmas, in data units) that teacher and student share.' },
);

const Student = Type.Object(
  {
    solver: Type.Enum([...solverNames], {
      description:
        'Method of the student. heun, unipc, ipndm_v and deis have no predictor: they need train: false.',
    }),
    num_steps: Type.Integer({
      minimum: 2,
      maximum: 1001,
      description:
        'Timestamps of the schedule, so num_steps − 1 intervals; with a predictor each takes two evaluations.',
    }),
    afs: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Analytical first step: the first evaluation is replaced by a formula and saved.',
      }),
    ),
    denoise_to_zero: Type.Optional(denoiseToZero),
    scale_dir: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        default: 0.01,
        description:
          'How far the predictor may scale the direction: between 1 − scale_dir and 1 + scale_dir. 0: never.',
      }),
    ),
    scale_time: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        default: 0,
        description:
          'How far the predictor may scale the time given to the network: between 1 − scale_time and 1 + scale_time. 0: never.',
      }),
    ),
    max_order: Type.Optional(maxOrder),
    predict_x0: Type.Optional(predictX0),
    lower_order_final: Type.Optional(lowerOrderFinal),
    deis_mode: Type.Optional(deisMode),
    variant: Type.Optional(variant),
    r: Type.Optional(r),
  },
  { ...closed, description: 'The few-step sampler under study.' },
);

const Teacher = Type.Object(
  {
    solver: Type.Optional(
      Type.Enum([...plainNames], {
        description:
          'Method whose trajectories the predictor is trained on. Default: heun for amed, else the student’s own. Options that a teacher of the student’s own method leaves out are the student’s.',
      }),
    ),
    M: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        default: 1,
        description:
          'Steps that the teacher takes between two timestamps of the student, beside the last: M + 1 per interval.',
      }),
    ),
    max_order: Type.Optional(maxOrder),
    predict_x0: Type.Optional(predictX0),
    lower_order_final: Type.Optional(lowerOrderFinal),
    deis_mode: Type.Optional(deisMode),
    variant: Type.Optional(variant),
    r: Type.Optional(r),
  },
  { ...closed, description: 'Where the training trajectories come from.' },
);

const Train = Type.Object(
  {
    total_kimg: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1_000_000,
        default: 10,
        description: 'Teacher trajectories that the predictor sees, in thousands of images.',
      }),
    ),
    batch: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_536,
        default: 128,
        description: 'Images in one optimiser iteration.',
      }),
    ),
    lr: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, default: 0.005, description: 'Learning rate of Adam.' }),
    ),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4294967295,
        default: 0,
        description: 'Seed of the predictor’s initial weights.',
      }),
    ),
  },
  {
    ...closed,
    description: 'Training of the predictor; false samples the plain solver, without a predictor.',
  },
);

const Sample = Type.Object(
  {
    seeds: Type.Optional(
      Type.Union([Type.String({ examples: ['0-49999'] }), Type.Integer({ minimum: 0 })], {
        default: '0-63',
        description:
          'One seed per image, as 0-49999 or 1,2,5-10, up to 4294967295: seed 17 is the same image in any batch.',
      }),
    ),
    batch: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_536,
        default: 64,
        description: 'Images evaluated at once. Memory and speed only: it changes no result.',
      }),
    ),
    grid: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,2}x[1-9][0-9]{0,2}$',
        default: '8x8',
        examples: ['8x8'],
        description: 'Columns and rows of the picture, e.g. 8x8; filled with the first seeds.',
      }),
    ),
  },
  { ...closed, description: 'Which images are drawn.' },
);

const Reference = Type.Object(
  {
    solver: Type.Enum([...plainNames], { description: 'Method of the reference.' }),
    num_steps: Type.Integer({ minimum: 2, maximum: 1001, description: 'Timestamps of the reference.' }),
    afs: Type.Optional(Type.Boolean({ default: false, description: 'Analytical first step.' })),
    denoise_to_zero: Type.Optional(denoiseToZero),
    schedule: Type.Optional(
      Type.Object(Schedule.properties, {
        ...closed,
        description: 'Its own noise levels. Default: polynomial, rho 7.',
      }),
    ),
    max_order: Type.Optional(maxOrder),
    predict_x0: Type.Optional(predictX0),
    lower_order_final: Type.Optional(lowerOrderFinal),
    deis_mode: Type.Optional(deisMode),
    variant: Type.Optional(variant),
    r: Type.Optional(r),
  },
  {
    ...closed,
    description:
      'The near-exact solution that rmse_to_teacher compares with, from the same seeds. Default: heun with 35 evaluations (num_steps 19, afs), polynomial, rho 7.',
  },
);

const Dataset = Type.Object(
  {
    checkpoint: Type.String({
      minLength: 1,
      examples: ['edm-cifar10-32x32-uncond-vp.pkl'],
      description: 'The denoiser’s file (EDM .pkl), relative to the spec.',
    }),
    sigma_min: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'Smallest noise level, data units. Default: 0.002.' }),
    ),
    sigma_max: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'Largest noise level, data units. Default: 80.' }),
    ),
    reference_data: Type.Optional(
      Type.String({
        minLength: 1,
        examples: ['train.zip'],
        description:
          'Real images: a zip or folder of images, or for fid alone a .npz with mu and sigma; relative to the spec.',
      }),
    ),
    feature_network: Type.Optional(
      Type.String({
        minLength: 1,
        examples: ['features.onnx'],
        description:
          'ONNX file, input images float32 [n,c,h,w] in 0..255, output features [n,d]; relative to the spec.',
      }),
    ),
  },
  { ...closed, description: 'A denoiser and the data it models.' },
);

/** One combination: what every point of a grid must come to. */
const Base = Type.Object(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
      title: 'a name of letters, digits, dots and dashes, as digits-5-nfe',
      description: 'Name of the experiment and of its folder under results/.',
    }),
    dataset: Type.Union([Type.Enum(datasetNames), Dataset], {
      description: 'A registry entry (digits, cifar10, …) or its keys inline.',
    }),
    schedule: Schedule,
    teacher: Type.Optional(Teacher),
    student: Student,
    train: Type.Optional(
      Type.Union([Type.Literal(false), Train], {
        description:
          'Training of the predictor (default: with every default); false samples the plain solver.',
      }),
    ),
    sample: Type.Optional(Sample),
    reference: Type.Optional(Reference),
    evaluate: Type.Optional(
      Type.Array(Type.Enum([...metricNames]), {
        uniqueItems: true,
        default: [],
        description: 'Scores of the samples, one column each.',
      }),
    ),
  },
  { ...closed, description: 'One YAML file is one experiment.' },
);

/** The part of JSON Schema that this file uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly (string | number)[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly examples?: readonly string[];
  readonly title?: string;
  readonly description?: string;
}

function keysOf(schema: JsonSchema, prefix = ''): [path: string, JsonSchema][] {
  if (schema.anyOf) return schema.anyOf.flatMap((branch) => keysOf(branch, prefix));
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]): [string, JsonSchema][] => [
    [prefix + key, value],
    ...keysOf(value, `${prefix}${key}.`),
  ]);
}

/** Every key of the spec but grid by its dotted path, as student.num_steps, with its schema. */
export const keys: ReadonlyMap<string, JsonSchema> = new Map(keysOf(Base as TSchema as JsonSchema));

/** What a grid may vary. */
export const gridPaths: readonly string[] = [...keys.keys()].filter((path) => path !== 'name');

/** A schema for what is merged into the base, so that no key of a map has to be there. */
function withoutRequired({ required, ...schema }: JsonSchema): JsonSchema {
  return {
    ...schema,
    ...(schema.anyOf && { anyOf: schema.anyOf.map(withoutRequired) }),
    ...(schema.properties && {
      properties: Object.fromEntries(
        Object.entries(schema.properties).map(([key, value]) => [key, withoutRequired(value)]),
      ),
    }),
  };
}

const perGridPath = (of: (schema: TSchema) => TSchema): Record<string, TSchema> =>
  Object.fromEntries(
    gridPaths.map((path) => [path, Type.Optional(of(withoutRequired(keys.get(path)!) as TSchema))]),
  );

const Grid = Type.Object(
  {
    points: Type.Optional(
      Type.Array(
        Type.Object(
          {
            label: Type.Optional(
              Type.String({ minLength: 1, maxLength: 100, description: 'Name of the row in the table.' }),
            ),
            ...perGridPath((schema) => schema),
          },
          closed,
        ),
        {
          minItems: 1,
          description:
            'Explicit combinations instead of a product: each gives values to paths (student.solver) or to maps, which merge key by key into the base, and may carry a label.',
        },
      ),
    ),
    ...perGridPath((schema) => Type.Array(schema, { minItems: 1 })),
  },
  {
    ...closed,
    description:
      'What varies: paths such as student.num_steps to lists of values, in all combinations, the last path fastest; or points. At most 10,000 points.',
  },
);

/** What every combination is checked against. */
export const pointSchema: TSchema = Base;

/** The JSON Schema of a spec, for editors. */
export const specSchema: TSchema = Type.Object(
  { ...Base.properties, grid: Type.Optional(Grid) },
  {
    ...closed,
    $id: 'https://fewstep.dev/schema/experiment.json',
    title: 'Fewstep experiment',
    description: 'One YAML file is one experiment.',
  },
);

/** One combination, as written: the grid is merged in, defaults are not. */
export type Spec = Static<typeof Base>;
export type SpecSchedule = Static<typeof Schedule>;
