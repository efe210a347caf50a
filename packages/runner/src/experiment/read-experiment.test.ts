import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkFiles, readExperiment } from './read-experiment.js';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'fewstep-spec-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function write(path: string, content: string | Uint8Array = ''): void {
  mkdirSync(join(cwd, path, '..'), { recursive: true });
  writeFileSync(join(cwd, path), content);
}

const spec = (dataset: string, more = '') =>
  `name: t\ndataset: ${dataset}\nschedule: { type: polynomial }\nstudent: { solver: amed, num_steps: 4 }\n${more}`;

const read = (file: string) => readExperiment(file, { cwd, models: 'models' });

async function message(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    expect(error).toMatchObject({ code: 'E_SPEC', exitCode: 2 });
    return (error as Error).message;
  }
  return '';
}

describe('readExperiment', () => {
  it('speaks of a file inside the working folder relatively', async () => {
    write('e/a.yaml', '\uFEFFname: 3');
    expect(await message(() => read(join(cwd, 'e/a.yaml')))).toContain('e/a.yaml:1:7 E_SPEC name: found 3');
    expect(await message(() => read('./e/a.yaml'))).toContain('./e/a.yaml:1:7 E_SPEC name: found 3');
  });

  it('says why a file cannot be read', async () => {
    write('e/cifar.yaml', spec('cifar10'));
    write('e/binary.yaml', new Uint8Array([0xff, 0xfe, 0x00]));
    expect(await message(() => read('e/cifra.yaml'))).toBe(
      'e/cifra.yaml E_SPEC there is no such file; did you mean e/cifar.yaml?',
    );
    expect(await message(() => read('f/x.yaml'))).toBe('f/x.yaml E_SPEC there is no such file.');
    expect(await message(() => read('e'))).toBe('e E_SPEC this is a folder; name one YAML file in it.');
    write('e/large.yaml');
    truncateSync(join(cwd, 'e/large.yaml'), 2 ** 30);
    expect(await message(() => read('e/large.yaml'))).toBe(
      'e/large.yaml E_SPEC 1073741824 bytes, and an experiment has at most 4000000; is it another file?',
    );
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [join(cwd, 'e/pipe.yaml')]);
      for (const path of ['e/pipe.yaml', '/dev/zero'])
        expect(await message(() => read(path))).toBe(
          `${path} E_SPEC this is a pipe or a device; write the experiment into a YAML file and name that.`,
        );
    }
    expect(await message(() => read('e/binary.yaml'))).toBe(
      'e/binary.yaml E_SPEC the file is no text (UTF-8); an experiment is a YAML file.',
    );
  });
});

describe('checkFiles', () => {
  it('says which checkpoint of the registry is missing, from where and to where', async () => {
    write('a.yaml', spec('cifar10'));
    const experiment = await read('a.yaml');
    expect(await message(() => checkFiles(experiment))).toBe(
      'a.yaml:2:10 E_SPEC dataset: cifar10 needs models/edm-cifar10-32x32-uncond-vp.pkl, which is not there: get edm-cifar10-32x32-uncond-vp.pkl from https://nvlabs-fi-cdn.nvidia.com/edm/pretrained/edm-cifar10-32x32-uncond-vp.pkl (CC BY-NC-SA 4.0, NVIDIA) and put it there, as fewstep models fetch cifar10 and fewstep run --fetch do; FEWSTEP_MODELS names another folder of models.',
    );
    write('models/edm-cifar10-32x32-uncond-vp.pkl');
    expect(await message(() => checkFiles(experiment))).toBe('');
  });

  it('asks for the data of a score only where it is scored', async () => {
    const dataset = '{ checkpoint: x.pkl, reference_data: r, feature_network: f.onnx }';
    write('x.pkl');
    write('a.yaml', spec(dataset));
    write('b.yaml', spec(dataset, 'evaluate: [fid]'));
    expect(await message(async () => checkFiles(await read('a.yaml')))).toBe('');
    expect(await message(async () => checkFiles(await read('b.yaml')))).toBe(
      'b.yaml:2:47 E_SPEC dataset.reference_data: there is no r that could be read; the path is relative to the spec.\n' +
        'b.yaml:2:67 E_SPEC dataset.feature_network: there is no f.onnx that could be read; the path is relative to the spec.',
    );
  });
});
