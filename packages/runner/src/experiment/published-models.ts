import type { FamilyName, FileName } from '@fewstep/models/families';

/** What a file is to its model; the spec has keys of the same names. */
export type FileRole =
  | FileName
  | 'checkpoint'
  | 'tokenizer'
  | 'reference_data'
  | 'feature_network'
  | 'clip'
  | 'prompts';

/** A published file, under the name that it has where it comes from. */
export interface ModelFile {
  readonly name: string;
  /** Where its authors publish it; left out where there is no such address, and then the note says how it is had. */
  readonly address?: string;
  readonly licence: string;
  /** Its length, where that is public knowledge. */
  readonly bytes?: number;
  /** Its SHA-256, or the first hex digits of it, where that is public knowledge. */
  readonly sha256?: string;
  /** What one should know before getting it. */
  readonly note?: string;
}

/** A model of the registry: its files, and how it is sampled. */
export interface RegistryEntry {
  readonly family: FamilyName;
  readonly files: Readonly<Partial<Record<FileRole, ModelFile>>> & { readonly checkpoint: ModelFile };
  /** Range of σ, data units. */
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** A file at an address that ends with its name. */
const published = (folder: string, name: string, licence: string, more?: object): ModelFile => ({
  name,
  address: `${folder}/${name}`,
  licence,
  ...more,
});
const openai = 'https://openaipublic.blob.core.windows.net';
const guidedDiffusion = (name: string) => published(`${openai}/diffusion/jul-2021`, name, 'MIT, OpenAI');
/** Where the authors of AMED-Solver keep the statistics of their evaluation; its files have no addresses of their own. */
const authorsFolder = 'https://drive.google.com/drive/folders/1f8qf5qtUewCdDrkExK_Tk5-qC-fNPKpL';
const authorsStatistics = (name: string): ModelFile => ({
  name,
  licence: 'licence not stated beside the file: see github.com/zju-pi/diff-sampler',
  note: `a browser gets it from the Google Drive folder of AMED-Solver’s authors, ${authorsFolder}`,
});
const openaiStatistics = (folder: string, name: string) =>
  published(`${openai}/diffusion/jul-2021/ref_batches/${folder}`, name, 'MIT, OpenAI', {
    note: `OpenAI’s own statistics; those of AMED-Solver’s authors are in ${authorsFolder}`,
  });
const latentDiffusion = (name: string) =>
  published(
    'https://ommer-lab.com/files/latent-diffusion',
    name,
    'licence not stated beside the file: see github.com/CompVis/latent-diffusion',
  );

/**
 * FID's Inception-v3 (arXiv:1512.00567), converted from TensorFlow's by the authors of pytorch-fid; the digits at the end of its
 * name are its digest's, as PyTorch's hub has it.
 */
const inception = published(
  'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights',
  'pt_inception-2015-12-05-6726825d.pth',
  'Apache 2.0, TensorFlow and pytorch-fid',
  { bytes: 95_628_359, sha256: '6726825d' },
);

/** DINOv2's ViT-L/14 without registers (Oquab et al. 2023, arXiv:2304.07193), for the FD-DINOv2 that EDM2 reports. */
const dinov2 = published(
  'https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14',
  'dinov2_vitl14_pretrain.pth',
  'Apache 2.0, Meta',
  { bytes: 1_217_586_395, sha256: 'd5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428' },
);

/** Networks whose features are scored, for use with any data. */
export const featureNetworks = { inception, dinov2 } satisfies Record<string, ModelFile>;

/**
 * CLIPs, for use with any data: OpenCLIP's that official evaluations of Stable Diffusion take (arXiv:2212.07143), and OpenAI's
 * (arXiv:2103.00020), whose digest is part of its address.
 */
export const clips = {
  'clip-vit-g-14': published(
    'https://huggingface.co/laion/CLIP-ViT-g-14-laion2B-s34B-b88K/resolve/main',
    'open_clip_pytorch_model.bin',
    'MIT, LAION',
    {
      sha256: '9ef136f407986fb607cd37a823eba38a3b6f95e8ec702b3d1687252985d84750',
      note: '5.47 GB',
    },
  ),
  'clip-vit-l-14': published(
    'https://openaipublic.azureedge.net/clip/models/b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836',
    'ViT-L-14.pt',
    'MIT, OpenAI',
    { sha256: 'b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836' },
  ),
} satisfies Record<string, ModelFile>;

/**
 * First stages, for models of latent diffusion that have none in their file. Its authors' own have: official code loads this
 * one first, and then the model's file over it.
 */
export const firstStages = { 'vq-f4': latentDiffusion('vq-f4.zip') } satisfies Record<string, ModelFile>;

/** Checkpoints, statistics and σ of EDM: Karras et al. 2022, arXiv:2206.00364. */
const edm = (checkpoint: string, statistics: string): RegistryEntry => {
  const [cdn, licence] = ['https://nvlabs-fi-cdn.nvidia.com/edm', 'CC BY-NC-SA 4.0, NVIDIA'];
  return {
    family: 'edm',
    files: {
      checkpoint: published(`${cdn}/pretrained`, checkpoint, licence),
      reference_data: published(`${cdn}/fid-refs`, statistics, licence),
      feature_network: inception,
    },
    sigmaMin: 0.002,
    sigmaMax: 80,
  };
};

/** Rombach et al. 2022, arXiv:2112.10752; σ at both ends of the noise table (float32), √β evenly from √0.0015 to √0.0195. */
const ldm = (
  checkpoint: string,
  others: Pick<RegistryEntry['files'], 'reference_data' | 'feature_network'>,
): RegistryEntry => ({
  family: 'ldm',
  files: { checkpoint: latentDiffusion(checkpoint), ...others },
  sigmaMin: 0.03875904929213178,
  sigmaMax: 83.82249324131594,
});

/** The models of AMED-Solver's paper (arXiv:2312.00094) under its official names, and those that its code fetches besides. */
export const registry = {
  cifar10: edm('edm-cifar10-32x32-uncond-vp.pkl', 'cifar10-32x32.npz'),
  ffhq: edm('edm-ffhq-64x64-uncond-vp.pkl', 'ffhq-64x64.npz'),
  afhqv2: edm('edm-afhqv2-64x64-uncond-vp.pkl', 'afhqv2-64x64.npz'),
  imagenet64: edm('edm-imagenet-64x64-cond-adm.pkl', 'imagenet-64x64.npz'),
  /** Song et al. 2023, arXiv:2303.01469: the EDM model that was trained beside the consistency models. */
  lsun_bedroom: {
    family: 'cm',
    files: {
      checkpoint: published(
        `${openai}/consistency`,
        'edm_bedroom256_ema.pt',
        'for research, not for commercial use (its model card), OpenAI',
      ),
      reference_data: openaiStatistics('lsun/bedroom', 'VIRTUAL_lsun_bedroom256.npz'),
      feature_network: inception,
    },
    sigmaMin: 0.002,
    sigmaMax: 80,
  },
  /** Dhariwal & Nichol 2021, arXiv:2105.05233; σ of the VP formula at t = 0.001 and 1, in float32 as officially. */
  imagenet256: {
    family: 'adm',
    files: {
      checkpoint: guidedDiffusion('256x256_diffusion.pt'),
      classifier: guidedDiffusion('256x256_classifier.pt'),
      reference_data: openaiStatistics('imagenet/256', 'VIRTUAL_imagenet256_labeled.npz'),
      feature_network: inception,
    },
    sigmaMin: 0.01048384327441454,
    sigmaMax: 152.16697692871094,
  },
  lsun_bedroom_ldm: ldm('lsun_bedrooms.zip', {
    reference_data: openaiStatistics('lsun/bedroom', 'VIRTUAL_lsun_bedroom256.npz'),
    feature_network: inception,
  }),
  ffhq_ldm: ldm('ffhq.zip', {}),
  /** Stable Diffusion v1-5; σ at both ends of the noise table (float32), √β evenly from √0.00085 to √0.012. */
  ms_coco: {
    family: 'stable-diffusion',
    files: {
      checkpoint: published(
        'https://huggingface.co/runwayml/stable-diffusion-v1-5/resolve/main',
        'v1-5-pruned-emaonly.ckpt',
        'CreativeML OpenRAIL-M',
        {
          bytes: 4_265_380_512,
          sha256: 'cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516',
          note: 'where this repository is withdrawn, its copy stable-diffusion-v1-5/stable-diffusion-v1-5 has the same file',
        },
      ),
      reference_data: authorsStatistics('ms_coco-512x512.npz'),
      feature_network: inception,
      clip: clips['clip-vit-g-14'],
      prompts: published(
        'https://github.com/boomb0om/text2image-benchmark/releases/download/v0.0.1',
        'MS-COCO_val2014_30k_captions.csv',
        'licence not stated beside the file: see cocodataset.org',
      ),
    },
    sigmaMin: 0.02916753316555422,
    sigmaMax: 14.614641489691584,
  },
} satisfies Record<string, RegistryEntry>;

/** `get X from ADDRESS (LICENCE)`, or how else it is had. */
export function sourceOf({ name, address, licence, note }: ModelFile): string {
  const remark = note === undefined ? '' : `; ${note}`;
  return `get ${name}${address === undefined ? '' : ` from ${address}`} (${licence}${remark})`;
}
