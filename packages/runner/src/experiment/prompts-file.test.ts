import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingFiles } from './missing-files.js';
import { parseExperiment } from './parse-experiment.js';
import { parsePrompts } from './prompts-file.js';

describe('prompts in a text file', () => {
  it('are its lines, of which blank ones are left out', () => {
    expect(parsePrompts('a cat\r\n\n  \na dog, "quoted"', false)).toEqual(['a cat', 'a dog, "quoted"']);
    expect(() => parsePrompts('\n \n', false)).toThrow('has no prompt in it');
  });
});

describe('prompts in a CSV', () => {
  it('are its column text', () => {
    expect(parsePrompts('id,text,more\n1,a cat,x\n2,a dog,y\n', true)).toEqual(['a cat', 'a dog']);
    expect(parsePrompts('text\r\na cat\r\n\r\na dog', true)).toEqual(['a cat', 'a dog']);
    // what a row has not, it says nothing of
    expect(parsePrompts('id,text\n1\n2,a dog\n3,', true)).toEqual(['a dog']);
  });

  it('may hold commas, quotes and ends of lines within quotes', () => {
    const csv = 'id,"text"\r\n1,"a cat, ""big"""\r\n"2","two\r\nlines"\r\n3,"",\r\n4,5" tall\n';
    expect(parsePrompts(csv, true)).toEqual(['a cat, "big"', 'two\r\nlines', '5" tall']);
  });

  it('of another kind are refused', () => {
    expect(() => parsePrompts('caption,id\na,1', true)).toThrow(/no column text .* caption, id: /);
    expect(() => parsePrompts('text\nfine\n"no end', true)).toThrow(
      /a quote in line 3 does not end its cell/,
    );
    expect(() => parsePrompts('text\n"a" b\n', true)).toThrow(/a quote in line 2 does not end/);
    expect(() => parsePrompts('text\n', true)).toThrow('has no prompt in it');
  });

  it('are read in time whatever they hold', () => {
    const quotes = '""'.repeat(500_000);
    expect(() => parsePrompts(`text\n"${quotes}"\n`, true)).toThrow(
      'has a prompt of 500000 characters, and of at most 10000 one is read',
    );
    expect(() => parsePrompts(`text\n"${quotes}x`, true)).toThrow(/does not end its cell/);
    expect(() => parsePrompts(`text\n"${quotes.repeat(4)}"`, true)).toThrow(/line 2 does not end its cell/);
    expect(() => parsePrompts(','.repeat(1e6), true)).toThrow(/line 1 has more than 1000 columns/);
    expect(() => parsePrompts('a\n'.repeat(1.1e6), false)).toThrow(/has more than 1048576 prompts/);
    expect(() => parsePrompts('\n'.repeat(1e6), false)).toThrow('has no prompt in it');
  });
});

describe('guidance.prompts', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const read = async (guidance: string, dataset = '{ checkpoint: sd.ckpt }') => {
    const text = `name: a
dataset: ${dataset}
guidance: ${guidance}
schedule: { type: discrete }
student: { solver: euler, num_steps: 3 }
train: false
`;
    const experiment = await parseExperiment(text, join(folder, 'a.yaml'), { cwd: folder, models: 'models' });
    return { guidance: experiment.points[0]!.guidance, missing: missingFiles(experiment) };
  };

  it('is the list that the file holds', async () => {
    await writeFile(join(folder, 'some.txt'), '\ufeffa cat\na dog\n');
    const listed = await read('{ type: cfg, rate: 2, prompt: [a cat, a dog] }');
    expect((await read('{ type: cfg, rate: 2, prompts: some.txt }')).guidance).toEqual(listed.guidance);
  });

  it('is the captions of the official evaluation where the dataset has such', async () => {
    const [, prompts, ...others] = (await read('{ type: cfg }', 'ms_coco')).missing;
    expect(others).toEqual([]);
    expect(prompts).toMatchObject({
      role: 'prompts',
      path: join(folder, 'models/MS-COCO_val2014_30k_captions.csv'),
      published: { dataset: 'ms_coco', file: { name: 'MS-COCO_val2014_30k_captions.csv' } },
    });
    expect(prompts!.ifMissing.message).toMatch(
      /a\.yaml:3:11 E_SPEC guidance: ms_coco needs models\/MS-COCO_val2014_30k_captions\.csv, .* get MS-COCO.* Or add prompt/,
    );
    await mkdir(join(folder, 'models'));
    await writeFile(prompts!.path, ',text\n0,a cat\n');
    const { guidance, missing } = await read('{ type: cfg }', 'ms_coco');
    expect(guidance).toEqual({ type: 'cfg', rate: 7.5, prompts: ['a cat'] });
    expect(missing.map(({ role }) => role)).toEqual(['checkpoint']);
    const dog = await read('{ type: cfg, prompt: a dog }', 'ms_coco');
    expect(dog.guidance).toMatchObject({ prompts: ['a dog'] });
    expect(dog.missing.map(({ role }) => role)).toEqual(['checkpoint']);
    await writeFile(prompts!.path, 'caption\na cat\n');
    await expect(read('{ type: cfg }', 'ms_coco')).rejects.toThrow(
      /3:11 E_SPEC guidance: .* has no column text/,
    );
  });

  it.each([
    [
      '{ type: cfg, prompts: none.txt }',
      /3:33 E_SPEC guidance\.prompts: none\.txt is not there; the path is relative/,
    ],
    ['{ type: cfg, prompts: . }', /guidance\.prompts: .* is no file: name a text file/],
    ['{ type: cfg, prompts: bytes.txt }', /guidance\.prompts: bytes\.txt is no text \(UTF-8\)/],
    ['{ type: cfg, prompts: empty.txt }', /guidance\.prompts: empty\.txt has no prompt in it\./],
    ['{ type: cfg, prompts: 3 }', /guidance\.prompts: found 3, expected/],
    ['{ type: cfg, prompts: [a.txt] }', /guidance\.prompts: found a list, expected/],
    ['{ type: cfg, prompt: a, prompts: a.txt }', /prompts is a file of them: remove one/],
    ['{ type: cfg }', /guidance\.type: cfg leads to a prompt: add prompt, .* or prompts, a file of them/],
    ['{ type: uncond, prompts: a.txt }', /guidance\.prompts: nothing reads it: only cfg leads to prompts/],
  ])('%s is a problem', async (guidance, message) => {
    await writeFile(join(folder, 'bytes.txt'), Uint8Array.of(0x89, 0x50, 0xff));
    await writeFile(join(folder, 'empty.txt'), '\n');
    await expect(read(guidance)).rejects.toThrow(message);
  });
});
