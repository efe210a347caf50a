import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { missingFiles } from './missing-files.js';
import { parseExperiment } from './parse-experiment.js';
import { SpecError } from './problem.js';

const fixture = (name: string) => fileURLToPath(new URL(`../../../models/fixtures/${name}`, import.meta.url));
const clip = fixture('clip-tiny.open-clip.bin');
const cfg = 'guidance: { type: cfg, prompt: a cat }';

const read = async (dataset: string, more = cfg, evaluate = 'clip_score') => {
  const text = `name: a
dataset: ${dataset}
evaluate: [${evaluate}]
${more}
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: false
`;
  return parseExperiment(text, '/home/me/a.yaml', { cwd: '/home/me', models: 'models' });
};
const problemsOf = (...given: Parameters<typeof read>) =>
  read(...given).then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof SpecError)) throw error;
      return error.problems.map(
        ({ line, column, path, sentence }) => `${line}:${column} ${path}: ${sentence}`,
      );
    },
  );

describe('a CLIP score', () => {
  it('needs prompts, and a CLIP', async () => {
    expect(await problemsOf('cifar10', '')).toEqual([
      '3:12 evaluate: clip_score holds samples against their prompts, and they have none: remove it, or add guidance: { type: cfg, prompt: … } where the model takes prompts.',
    ]);
    expect(await problemsOf('{ checkpoint: a.ckpt }')).toEqual([
      '3:12 evaluate: clip_score is measured by a CLIP, and the dataset has none: add its file as dataset.clip; fewstep models fetch clip-vit-g-14 gets the one of official evaluations.',
    ]);
    expect(await problemsOf('{ checkpoint: a.ckpt, clip_network: { activation: gelu } }', cfg, '')).toEqual([
      '2:32 dataset.clip_network: nothing reads it: it tells what weights of dataset.clip don’t show, which is not there. Remove it.',
    ]);
  });

  it('needs the file of its CLIP, of the registry or the user’s own, where it is asked for', async () => {
    const rolesOf = async (...given: Parameters<typeof read>) =>
      missingFiles(await read(...given)).map(({ role, path }) => [role, path.slice('/home/me/'.length)]);
    const weights = 'models/open_clip_pytorch_model.bin';
    expect(await rolesOf('ms_coco')).toContainEqual(['clip', weights]);
    expect((await rolesOf('ms_coco', cfg, '')).map(([role]) => role)).toEqual(['checkpoint']);
    const { files, points } = await read(
      '{ checkpoint: a.ckpt, clip: b.pt, clip_network: { vision_heads: 3 } }',
    );
    const needed = files.find(({ role }) => role === 'clip');
    expect(needed?.ifMissing.message).toMatch(
      /a\.yaml:2:38 E_SPEC dataset\.clip: there is no b\.pt that could be read/,
    );
    expect(points[0]!.dataset.clip).toEqual({ file: '/home/me/b.pt', network: { vision_heads: 3 } });
  });

  it('asks for what its CLIP’s weights don’t show before anything is computed, and tells what is none', async () => {
    const heads = 'activation: quick_gelu, vision_heads: 3, text_heads: 2';
    const problems = async (network: string, file = clip, evaluate = 'clip_score') => {
      const told = network && `, clip_network: { ${network} }`;
      return problemsOf(`{ checkpoint: a.ckpt, clip: ${file}${told} }`, cfg, evaluate);
    };
    expect(await problems(heads)).toEqual([]);
    const [open, ...others] = await problems('vision_heads: 3');
    expect(others).toEqual([]);
    expect(open).toMatch(
      /^2:38 dataset\.clip: .*open-clip\.bin: its weights don't show activation, text_heads: .* Write that as dataset\.clip_network\.$/,
    );
    expect(await problems('vision_heads: 3', clip, '')).toEqual([]);
    expect(await problems(heads.replace('3', '5'))).toEqual([
      expect.stringMatching(/vision_heads is 5, and the width, 24, is no multiple of that\.$/),
    ]);
    expect(await problems('', fixture('tensors.zip.pt'))).toEqual([
      expect.stringMatching(/tensors\.zip\.pt: this is no CLIP with a vision transformer: it has no /),
    ]);
  });
});
