import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { resolvedSpec, settingsIn } from '../report/resolved-spec.js';
import { datasetNamed, datasetNames } from './named-datasets.js';
import { parseExperiment } from './parse-experiment.js';

let cwd: string;
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'fewstep-datasets-')));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function write(path: string, content: string): string {
  const file = join(cwd, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

const here = () => ({ specFolder: join(cwd, 'specs'), cwd, models: join(cwd, 'models') });
const named = (name: string) => {
  const found = datasetNamed(name, here());
  if (typeof found === 'string') throw new Error(found);
  return found;
};

const read = (dataset: string, more = '') =>
  parseExperiment(
    `name: t\ndataset: ${dataset}\nschedule: { type: polynomial }\nstudent: { solver: euler, num_steps: 4 }\ntrain: false\n${more}`,
    'specs/t.yaml',
    { cwd, models: 'models' },
  );
const datasetOf = async (...given: Parameters<typeof read>) => (await read(...given)).points[0]!.dataset;

describe('the name of a dataset', () => {
  it('is one of a package that is installed above the spec, with the files that it names', async () => {
    const file = write(
      'node_modules/@lab/faces/dataset.yaml',
      'licence: CC0\ncheckpoint: net/faces.pkl\nsigma_max: 40\nreference_data: faces.zip\n',
    );
    const at = (path: string) => join(dirname(file), path);
    expect(await datasetOf("'@lab/faces'")).toEqual({
      name: '@lab/faces',
      checkpoint: at('net/faces.pkl'),
      sigmaMax: 40,
      referenceData: at('faces.zip'),
    });
    expect(named('@lab/faces')).toMatchObject({ licence: 'CC0', from: 'the package @lab/faces' });
    expect(datasetNames(here())).toContain('@lab/faces');
    const { files } = await read("'@lab/faces'");
    expect(files[0]!.ifMissing).toMatchObject({
      path: 'dataset',
      sentence: `@lab/faces needs ${join('node_modules/@lab/faces/net/faces.pkl')}, which is not there, and the package @lab/faces says that it is.`,
    });
  });

  it('is one of a package of ours without its scope, found beside fewstep, too', async () => {
    const { checkpoint, sigmaMin, sigmaMax } = await datasetOf('digits');
    expect(checkpoint).toMatch(/packages.digits.digits-edm\.pkl$/);
    expect([sigmaMin, sigmaMax]).toEqual([0.002, 80]);
    expect(await datasetOf("'@fewstep/digits'")).toMatchObject({ checkpoint });
    write('node_modules/@fewstep/digits/dataset.yaml', 'checkpoint: other.pkl');
    expect(await datasetOf('digits')).toMatchObject({
      checkpoint: join(cwd, 'node_modules/@fewstep/digits/other.pkl'),
    });
  });

  it('is one of datasets.yaml beside the spec, which comes before others', async () => {
    write('specs/datasets.yaml', 'mine: { checkpoint: ../net.pkl }\ncifar10: { checkpoint: c.pkl }\n');
    expect(await datasetOf('mine')).toEqual({ name: 'mine', checkpoint: join(cwd, 'net.pkl') });
    expect(await datasetOf('cifar10')).toEqual({ name: 'cifar10', checkpoint: join(cwd, 'specs/c.pkl') });
    const points = await read('mine', 'grid: { dataset: [mine, cifar10] }');
    expect(points.points.map(({ label }) => label)).toEqual(['mine', 'cifar10']);
  });

  it('stands beneath keys that are written beside it, and of another network for its data alone', async () => {
    const plain = await datasetOf('cifar10');
    const reference = { referenceData: join(cwd, 'specs/mine.zip') };
    expect(await datasetOf('{ name: cifar10, reference_data: mine.zip }')).toEqual({
      ...plain,
      ...reference,
    });
    write('specs/datasets.yaml', 'mine: { name: cifar10, reference_data: mine.zip }');
    expect(await datasetOf('mine')).toEqual({ ...plain, ...reference, name: 'mine' });
    expect(await datasetOf('{ name: cifar10, checkpoint: mine.pkl }')).toEqual({
      checkpoint: join(cwd, 'specs/mine.pkl'),
      referenceData: plain.referenceData,
      featureNetwork: plain.featureNetwork,
    });
  });

  it('is fetched where a file is still the registry’s, and not where it is another', async () => {
    write('specs/datasets.yaml', 'mine: { name: cifar10, reference_data: mine.zip }');
    const fetched = async (dataset: string) =>
      (await read(dataset, 'evaluate: [fid]')).files.flatMap(({ role, published }) =>
        published ? role : [],
      );
    expect(await fetched('cifar10')).toEqual(['checkpoint', 'reference_data', 'feature_network']);
    expect(await fetched('mine')).toEqual(['checkpoint', 'feature_network']);
    expect(await fetched('{ name: cifar10, checkpoint: mine.pkl }')).toEqual([
      'reference_data',
      'feature_network',
    ]);
  });

  it('keeps what the registry knows of a network: its guidance and its prompts', async () => {
    await expect(
      read('{ name: cifar10, reference_data: a.zip }', 'guidance: { type: cfg, prompt: a }'),
    ).rejects.toThrow(
      /E_SPEC guidance\.type: cifar10 has no guidance cfg: remove guidance, or name another dataset/,
    );
    const { files } = await read(
      '{ name: ms_coco, reference_data: a.npz }',
      'guidance: { type: cfg }\nevaluate: [fid]',
    );
    expect(files.map(({ role }) => role)).toEqual([
      'checkpoint',
      'reference_data',
      'feature_network',
      'prompts',
    ]);
  });

  it.each([
    [
      'cifar-10',
      /t\.yaml:2:10 E_SPEC dataset: "cifar-10" is no dataset; did you mean "cifar10"\? One of afhqv2, bad, cifar10, digits,/,
    ],
    [
      'faces',
      /"faces" is no dataset\. One of .*, or a map with checkpoint\. Others come as packages: npm install @fewstep\/faces, where that is one\./,
    ],
    ['{ name: faces }', /t\.yaml:2:18 E_SPEC dataset\.name: "faces" is no dataset/],
    ['../etc', /"\.\.\/etc" is no dataset\. One of [^:]*$/],
    [
      '{ sigma_min: 1 }',
      /t\.yaml:2:1 E_SPEC dataset\.checkpoint: missing; write the file of its network, or as name a dataset/,
    ],
    [
      'bad',
      /"bad" can't be used\. specs\/datasets\.yaml:1:\d+ E_SPEC chekpoint: unknown key; did you mean "checkpoint"\?/,
    ],
    [
      'empty',
      /"empty" can't be used\. specs\/datasets\.yaml:2:8 E_SPEC checkpoint: missing; write the file of its network/,
    ],
    ['loop', /"loop" can't be used\. specs\/datasets\.yaml:3:\d+ E_SPEC name: "empty" is no dataset/],
  ])('%s is refused', async (dataset, message) => {
    write(
      'specs/datasets.yaml',
      'bad: { chekpoint: a.pkl }\nempty: { sigma_min: 1 }\nloop: { name: empty }\n',
    );
    await expect(read(dataset)).rejects.toThrow(message);
  });

  it('is none of a package that names what is not its own', async () => {
    for (const path of ['../../../secret.pkl', '/etc/passwd', '.']) {
      write('node_modules/@lab/sly/dataset.yaml', `checkpoint: ${path}\n`);
      await expect(read("'@lab/sly'")).rejects.toThrow(
        /E_SPEC .* leads out of the package, whose files alone it may name/,
      );
    }
    write(
      'node_modules/@lab/sly/dataset.yaml',
      'checkpoint: a.onnx\nonnx: { parametrization: edm, decoder: ../b.onnx }\n',
    );
    await expect(read("'@lab/sly'")).rejects.toThrow(/"\.\.\/b\.onnx" leads out of the package/);
  });

  it('stays a name in what a run leaves, where it is found from there as well', async () => {
    write('specs/datasets.yaml', 'mine: { checkpoint: net.pkl }');
    const left = async (dataset: string) => {
      const experiment = await read(dataset);
      return parse(resolvedSpec(experiment, settingsIn(experiment, join(cwd, 'results/t')))).dataset;
    };
    expect(await left('digits')).toBe('digits');
    expect(await left('mine')).toEqual({ checkpoint: '../../specs/net.pkl' });
    expect(await left('{ name: cifar10, reference_data: mine.zip }')).toEqual({
      name: 'cifar10',
      reference_data: '../../specs/mine.zip',
    });
  });
});
