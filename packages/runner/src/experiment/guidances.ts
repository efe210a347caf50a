import { classifierNames, type GuidanceName } from '@fewstep/models/families';

/** The parts of an ONNX model that a spec may name. */
interface OnnxParts {
  readonly text_encoder?: string;
  readonly decoder?: string;
}

/** What leads samples to what they shall show, as the rest of a spec depends on it. */
interface Guidance {
  /** For people, after its name. */
  readonly leads: string;
  /** How strongly: of what, by default, and whether the network's graph has it or every evaluation. Left out: no rate. */
  readonly rate?: { readonly of: string; readonly default: number; readonly in: 'graph' | 'evaluation' };
  /** Keys that nothing else reads, and what is said where nothing does. */
  readonly reads: Readonly<Record<string, string>>;
  /** What is said to who took another, of a checkpoint that has this. */
  readonly remedy: string;
  /** Why such a network can't do without, as the end of a sentence. */
  readonly needed?: string;
  /** What is missing of a dataset, beside what its checkpoint says; of an ONNX file, why it can't be led so. */
  readonly lacks?: (dataset: { readonly classifier?: string }) => string | false;
  readonly lacksInOnnx: (onnx: OnnxParts | undefined) => string | false;
}

const rate = { 'guidance.rate': 'only cg and cfg have a rate' };

/** Default rates: of AMED-Solver's experiments on ImageNet-256 and Stable Diffusion (arXiv:2312.00094). */
export const guidances: Readonly<Record<GuidanceName, Guidance>> = {
  cg: {
    leads: 'to classes, by the gradient of the dataset’s classifier',
    rate: { of: 'factor on the classifier’s gradient', default: 4, in: 'graph' },
    reads: {
      ...rate,
      'dataset.classifier': 'only guidance cg asks a classifier',
      ...Object.fromEntries(
        classifierNames.map((name) => [`dataset.network.${name}`, 'only guidance cg asks a classifier']),
      ),
    },
    remedy: 'take cg, with its classifier’s file as dataset.classifier',
    lacks: ({ classifier }) =>
      classifier === undefined &&
      'cg follows the gradient of a classifier, and the dataset has none: add its file as dataset.classifier, or remove guidance.',
    lacksInOnnx: () =>
      'the network of an ONNX file has no gradient of a classifier: remove guidance, or export it with its guidance inside.',
  },
  cfg: {
    leads: 'to a prompt, away from the empty one',
    rate: {
      of: 'factor on the step from the empty prompt to the prompt, 1 being the prompt alone',
      default: 7.5,
      in: 'evaluation',
    },
    reads: {
      ...rate,
      'guidance.prompt': 'only cfg leads to a prompt',
      'guidance.prompts': 'only cfg leads to prompts',
      'dataset.tokenizer': 'only guidance cfg has prompts',
    },
    remedy: 'take cfg, with a prompt',
    needed: 'draws what it is told: add guidance: { type: cfg, prompt: … }.',
    lacksInOnnx: (onnx) =>
      onnx?.text_encoder === undefined &&
      'cfg leads to a prompt, and the network of an ONNX file has nothing that encodes it: add its text encoder as dataset.onnx.text_encoder, or remove guidance.',
  },
  uncond: {
    leads: 'not at all, as latent diffusion without prompts',
    reads: {},
    remedy: 'take uncond',
    lacksInOnnx: (onnx) =>
      (onnx?.decoder === undefined || onnx.text_encoder !== undefined) &&
      'uncond is of latent diffusion without prompts: remove guidance, or give the decoder of its latents as dataset.onnx.decoder and no text_encoder.',
  },
};

export const guidanceNames = Object.keys(guidances) as readonly GuidanceName[];

/** Keys that some guidance alone reads, and what is said where nothing does. */
export const guidedKeys = Object.assign(
  {},
  ...guidanceNames.map((name) => guidances[name].reads),
) as Guidance['reads'];

/** Whether anything reads a key, such as `dataset.classifier`, under a guidance or without one. */
export const isRead = (path: string, type: GuidanceName | undefined): boolean =>
  guidedKeys[path] === undefined || (type !== undefined && guidances[type].reads[path] !== undefined);
