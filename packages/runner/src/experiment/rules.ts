import { gitsChoices, type Option, withDefaults } from '@fewstep/schedules';
import { isWeights } from '../is-weights.js';
import { faultsIn } from '../judging/faults.js';
import type { JsonSchema } from '../judging/json-schema.js';
import { isStatistics } from '../scores/scores.js';
import { noFeaturesOfLatents } from '../tasks/model-info.js';
import { type Dataset, dataOf, publishedFile } from './datasets.js';
import { type Declarations, type DeclaredScore, listed, named, optionsOf, readersOf } from './declared.js';
import { isOnFeatures, networkTold } from './feature-loss.js';
import { guidances } from './guidances.js';
import { betaRange, isDiscrete, isOnnx, onnxOf, type SpecOnnx } from './onnx.js';
import { methodPartsOf, type Part, schedulePartsOf, trainPartOf } from './parts.js';
import { featureNetworks } from './published-models.js';
import { generatorOf, isSteered, sampleDefaults, startIn } from './resolve.js';
import type { Spec } from './schema.js';
import { countOfSeeds, rangesOfSeeds } from './seeds.js';

/** A combination that a schema can't rule out. */
export interface Rule {
  /**
   * The keys it judges: it is asked only when none of them has a problem already, and reads nothing else that a spec
   * could get wrong. Its complaint goes to the one that was laid down last (grid over base), the first among equals.
   */
  readonly of: readonly string[];
  /** What is wrong with the combination; false when it is possible. */
  readonly broken: (spec: Spec) => string | false;
  /** Of what scores take alone: not asked where nothing is scored. */
  readonly ofScores?: true;
  /** A more exact place, in the path of one of the keys. */
  readonly at?: (spec: Spec) => string;
}

/** Of a score that a spec asks for, its dataset, with what people call that, and what else is judged. */
const scoreRule = (
  { name }: DeclaredScore,
  broken: (facts: Dataset, dataset: string, spec: Spec) => string | false,
  beside: readonly string[] = [],
): Rule => {
  // what is no list has its own problem
  const asked = ({ evaluate }: Spec): readonly string[] => (Array.isArray(evaluate) ? evaluate : []);
  return {
    of: ['dataset', 'evaluate', ...beside],
    broken: (spec) =>
      asked(spec).includes(name) && broken(spec.dataset, spec.dataset.entry?.name ?? 'the dataset', spec),
    at: (spec) => `evaluate.${asked(spec).indexOf(name)}`,
  };
};

/** The seeds of a key of `sample`, where they can be read. */
const seedsRule = (key: 'seeds' | 'tuned_on'): Rule => ({
  of: [`sample.${key}`],
  broken: ({ sample }) => {
    try {
      rangesOfSeeds(sample?.[key] ?? 0);
      return false;
    } catch (error) {
      return `${(error as Error).message}.`;
    }
  },
});

/** Of how many seeds there are, and how many blocks they are cut into. */
const blocksRule = (
  beside: readonly string[],
  broken: (seeds: number, repeats: number, spec: Spec) => string | false,
): Rule => ({
  of: ['sample.seeds', 'sample.repeats', ...beside],
  ofScores: true,
  broken: (spec) => {
    const { seeds, repeats } = { ...sampleDefaults, ...spec.sample };
    try {
      return broken(countOfSeeds(rangesOfSeeds(seeds)), repeats, spec);
    } catch {
      return false; // what is no seeds has its own problem
    }
  },
});

/** Of the noise levels that a part lists, and of what is beside. */
const listedRule = (
  { path, name, told }: Part,
  beside: readonly string[],
  broken: (levels: readonly number[], spec: Spec) => string | false,
): Rule => ({
  of: [`${path}.sigmas`, `${path}.type`, ...beside],
  broken: (spec) => {
    const levels = told(spec).sigmas as readonly number[] | undefined;
    return name(spec) === 'explicit' && levels !== undefined && broken(levels, spec);
  },
});

/** Whether one takes a value that the schema of all of them has let pass. */
const takes = (option: Option, value: unknown): boolean => faultsIn(value, option as JsonSchema).length === 0;

/** A value that some methods take, and not the one that it is told to. */
const limits = ({ path, of, name, declared, all, told }: Part): Rule[] =>
  Object.keys(optionsOf(all)).map((key) => ({
    of: [`${path}.${key}`, ...of],
    broken: (spec) => {
      const value = told(spec)[key];
      const option = named(declared(spec), name(spec))?.options[key];
      if (value === undefined || !option || takes(option, value)) return false;
      const others = readersOf(
        key,
        all.filter(({ options }) => options[key] && takes(options[key], value)),
      );
      return `${name(spec)} has no ${key} ${value}; only ${listed(others)} ${others.length === 1 ? 'has' : 'have'} that.`;
    },
    at: () => `${path}.${key}`,
  }));

/** Of a dataset that is an ONNX file: its keys, and what can't be of them. */
const onnxRule = (
  of: readonly string[],
  broken: (onnx: SpecOnnx, dataset: Dataset) => string | false,
): Rule => ({
  of: of.map((key) => `dataset.${key}`),
  broken: ({ dataset }) => {
    const onnx = onnxOf(dataset);
    return onnx !== undefined && broken(onnx, dataset);
  },
});

/** What can't be, of what is declared. */
export function rulesOf(declarations: Declarations): readonly Rule[] {
  const { plain, students, generators, scores } = declarations;
  const [plainNames, studentNames] = [plain, students].map((all) => all.map(({ name }) => name)) as [
    string[],
    string[],
  ];
  const scheduleParts = schedulePartsOf(declarations);
  return [
    {
      of: ['train', 'student.solver'],
      broken: (spec) => {
        const { solver } = spec.student;
        if (isSteered(spec, declarations) || generatorOf(spec, declarations) || named(plain, solver))
          return false;
        const start = named(plain, startIn(spec).name);
        return named(generators, solver)
          ? `${solver} is a table that is fitted, and nothing before: remove train: false, take ${start ? `what it begins from (${start.name})` : 'a plain method'} as student, or name a fitted one as sampler.`
          : `${solver} is nothing without its predictor: remove train: false, or take a plain student (${plainNames.join(', ')}).`;
      },
    },
    {
      of: ['student.solver', 'train'],
      broken: (spec) => {
        const { solver } = spec.student;
        if (!isSteered(spec, declarations) || named(students, solver)) return false;
        return named(generators, solver)
          ? `${solver} is a table, which no predictor steers: remove predictor, or take another student (${studentNames.join(', ')}).`
          : `${solver} has no predictor to train: add train: false, or take another student (${studentNames.join(', ')}).`;
      },
    },
    {
      of: ['student.thresholding', 'student.solver', 'train', 'predictor'],
      broken: (spec) =>
        generatorOf(spec, declarations) !== undefined &&
        (spec.student as { readonly thresholding?: unknown }).thresholding === 'dynamic' &&
        'only what is linear in the network’s answers is a table, and dynamic thresholding isn’t: remove it, for a table’s start is without.',
    },
    ...[...methodPartsOf(declarations), ...scheduleParts, trainPartOf(declarations)].flatMap(limits),
    ...scheduleParts.flatMap((part): Rule[] => {
      const { path, steps, name, told, numSteps } = part;
      const [type, sigmas] = [`${path}.type`, `${path}.sigmas`];
      return [
        {
          of: [type, sigmas],
          broken: (spec) =>
            name(spec) === 'explicit' &&
            told(spec).sigmas === undefined &&
            'an explicit schedule is its noise levels: add sigmas, a descending list of num_steps numbers.',
        },
        listedRule(part, [steps], (levels, spec) => {
          const count = numSteps(spec);
          return (
            levels.length !== count &&
            `${levels.length} noise levels but num_steps ${count}: give as many as there are timestamps, sigma_max and sigma_min included.`
          );
        }),
        {
          ...listedRule(part, [], (levels) => {
            const i = levels.findIndex((level, k) => k > 0 && level >= levels[k - 1]!);
            return (
              i > 0 &&
              `${levels[i]} follows ${levels[i - 1]}: noise levels descend, from sigma_max to sigma_min.`
            );
          }),
          at: () => sigmas,
        },
        {
          ...listedRule(part, ['dataset.sigma_min', 'dataset.sigma_max'], (levels, { dataset }) => {
            const { sigma_min = 0, sigma_max = Infinity } = dataset;
            const outside = levels.find((level) => level < sigma_min || level > sigma_max);
            return (
              outside !== undefined &&
              `${outside} is outside the dataset's noise levels, ${sigma_min} (sigma_min) to ${sigma_max} (sigma_max).`
            );
          }),
          at: () => sigmas,
        },
      ];
    }),
    {
      of: ['student.num_steps', 'schedule.num_steps_tea', 'schedule.type'],
      broken: ({ schedule, student }) => {
        const levels =
          schedule.type === 'gits' ? withDefaults(gitsChoices, schedule).num_steps_tea : Infinity;
        return (
          student.num_steps > levels &&
          `num_steps ${student.num_steps} is more than gits can choose from, ${levels} noise levels (num_steps_tea): raise num_steps_tea, or take fewer steps.`
        );
      },
    },
    {
      of: ['dataset.sigma_min', 'dataset.sigma_max'],
      broken: (spec) => {
        const { sigma_min = 0, sigma_max = Infinity } = spec.dataset;
        return sigma_min >= sigma_max && `sigma_min ${sigma_min} must be below sigma_max ${sigma_max}.`;
      },
    },
    {
      of: ['dataset.checkpoint', 'dataset.onnx'],
      broken: ({ dataset }) =>
        isOnnx(dataset) &&
        onnxOf(dataset) === undefined &&
        'an ONNX file does not say what its network gives: add onnx: { parametrization: … } to the dataset, one of eps, v, x0, edm, denoiser.',
    },
    ...['', 'classifier_'].map((whose): Rule => {
      const names = [`${whose}num_heads`, `${whose}num_head_channels`];
      return {
        of: names.map((name) => `dataset.network.${name}`),
        broken: ({ dataset }) => {
          const told: object = dataset.network ?? {};
          return (
            names.every((name) => name in told) &&
            `${names.join(' and ')} are two ways to say how many heads there are: remove one.`
          );
        },
      };
    }),
    onnxRule(
      ['onnx.parametrization', 'onnx.betas', 'checkpoint'],
      ({ betas, ...onnx }) =>
        isDiscrete(onnx) &&
        betas === undefined &&
        `${onnx.parametrization} is of the noise of a training: add betas, as { type: linear }.`,
    ),
    onnxRule(['onnx.betas.alphas_cumprod', 'onnx.betas.type'], ({ betas }) => {
      if (betas?.type !== 'explicit') return false;
      const { alphas_cumprod: alphas } = betas;
      if (!alphas) return 'explicit betas are what they come to: add alphas_cumprod, a descending list.';
      const i = alphas.findIndex((alpha, k) => alpha >= (alphas[k - 1] ?? 1));
      return i >= 0 && `alphas_cumprod[${i}] is ${alphas[i]}: they fall from below 1, with the time.`;
    }),
    onnxRule(['onnx.betas.start', 'onnx.betas.end', 'onnx.betas.type'], ({ betas }) => {
      if (betas?.type !== 'linear' && betas?.type !== 'scaled_linear') return false;
      const { start, end } = { ...betaRange[betas.type], ...betas };
      return start >= end && `start ${start} must be below end ${end}: noise grows with the time.`;
    }),
    onnxRule(
      ['onnx.parametrization', 'onnx.betas', 'sigma_min', 'sigma_max', 'checkpoint'],
      ({ parametrization, betas }, { sigma_min, sigma_max }) =>
        parametrization === 'denoiser' &&
        betas === undefined &&
        (sigma_min === undefined || sigma_max === undefined) &&
        'a denoiser does not say what noise it was trained on: add sigma_min and sigma_max to the dataset, or betas to onnx.',
    ),
    onnxRule(
      ['onnx.decoder', 'onnx.scale_factor', 'checkpoint'],
      ({ decoder, scale_factor }) =>
        decoder !== undefined &&
        scale_factor === undefined &&
        'a decoder does not say what its latents were multiplied by for the network: add scale_factor beside it, 0.18215 for Stable Diffusion, 1 for a decoder of fewstep models export.',
    ),
    {
      of: ['dataset.onnx.text_encoder', 'dataset.checkpoint', 'guidance'],
      broken: ({ guidance, dataset }) =>
        !guidance &&
        onnxOf(dataset)?.text_encoder !== undefined &&
        `a network with a text encoder ${guidances.cfg.needed}`,
    },
    {
      of: ['guidance.type', 'dataset'],
      broken: ({ guidance, dataset }) => {
        if (!guidance || publishedFile(dataset, 'checkpoint')) return false;
        const { lacks = () => false, lacksInOnnx } = guidances[guidance.type];
        return isOnnx(dataset) ? lacksInOnnx(dataset.onnx) : lacks(dataset);
      },
      at: () => 'guidance.type',
    },
    {
      of: ['guidance.type', 'guidance.prompt', 'guidance.prompts', 'dataset'],
      broken: ({ guidance, dataset }) =>
        guidance?.type === 'cfg' &&
        guidance.prompt === undefined &&
        guidance.prompts === undefined &&
        !publishedFile(dataset, 'prompts') &&
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
      of: ['dataset.feature_resize', 'dataset.feature_network'],
      broken: ({ dataset }) => {
        if (dataset.feature_resize === undefined) return false;
        const { feature_network: network } = dataset;
        if (network === undefined)
          return 'it is of the feature network, and the dataset has none: add feature_network, or remove it.';
        return (
          !isWeights(network) &&
          `${network} is an ONNX file, which resizes as it was written to; how is chosen for weights of FID’s Inception-v3 alone: remove it.`
        );
      },
    },
    {
      of: ['train.loss', 'train.feature_network', 'dataset', 'student.solver', 'student.steering'],
      broken: (spec) =>
        generatorOf(spec, declarations) !== undefined &&
        isOnFeatures(spec) &&
        networkTold(spec) === undefined &&
        spec.dataset.feature_network === undefined &&
        `features are what a network sees, and the dataset has none: add feature_network to train, a file or one of ${Object.keys(featureNetworks).join(', ')}, or to the dataset.`,
      at: () => 'train.loss',
    },
    {
      of: ['train.loss', 'dataset', 'student.solver', 'student.steering'],
      broken: (spec) =>
        generatorOf(spec, declarations) !== undefined &&
        isOnFeatures(spec) &&
        dataOf(spec.dataset) === 'latents' &&
        noFeaturesOfLatents,
      at: () => 'train.loss',
    },
    seedsRule('seeds'),
    seedsRule('tuned_on'),
    blocksRule([], (seeds, repeats) => {
      const [fewer, more] = [Math.floor(seeds / repeats) * repeats, Math.ceil(seeds / repeats) * repeats];
      return (
        fewer < more &&
        `the seeds are ${seeds}, which makes no ${repeats} blocks of equal size: ask for ${fewer > 0 ? `${fewer} or ` : ''}${more} of them, or for other repeats.`
      );
    }),
    ...scores.flatMap(({ name, least }) =>
      least === undefined
        ? []
        : blocksRule(['evaluate'], (seeds, repeats, { evaluate }) => {
            const images = seeds / repeats;
            const there = repeats > 1 ? 'a block of the seeds has' : 'the seeds are';
            return (
              Array.isArray(evaluate) &&
              evaluate.includes(name) &&
              Number.isInteger(images) &&
              images < least.images &&
              `${name} takes ${least.images} images at least, for ${least.for}, and ${there} ${images}: ask for more seeds, or leave ${name} out of evaluate.`
            );
          }),
    ),
    ...scores
      .filter(({ needs }) => needs.startsWith('real images'))
      .flatMap((score) => [
        scoreRule(score, ({ reference_data, feature_network }, dataset) => {
          const missing = Object.entries({ reference_data, feature_network }).filter(([, file]) => !file);
          return (
            missing.length > 0 &&
            `${score.name} compares features of the samples with those of real images, but ${dataset} has no ${missing.map(([key]) => key).join(' and no ')}: ` +
              'write dataset as a map with checkpoint, reference_data and feature_network, or score rmse_to_teacher, which needs neither.'
          );
        }),
        scoreRule(
          score,
          ({ reference_data = '' }) =>
            score.needs === 'real images' &&
            isStatistics(reference_data) &&
            `${score.name} needs the real images themselves, and ${/\.npz$/i.test(reference_data) ? 'a .npz' : 'a .pkl'} holds only their mean and covariance: give a zip or folder of images as reference_data.`,
        ),
      ]),
    ...scores
      .filter(({ needs }) => needs === 'prompts')
      .map((score) =>
        scoreRule(
          score,
          ({ clip }, dataset, { guidance }) => {
            if (guidance?.type !== 'cfg')
              return `${score.name} holds samples against their prompts, and they have none: remove it${guidance ? '' : ', or add guidance: { type: cfg, prompt: … } where the model takes prompts'}.`;
            return (
              clip === undefined &&
              `${score.name} is measured by a CLIP, and ${dataset} has none: add its file as dataset.clip; fewstep models fetch clip-vit-g-14 gets the one of official evaluations.`
            );
          },
          ['guidance.type'],
        ),
      ),
  ];
}
