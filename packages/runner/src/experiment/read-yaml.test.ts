import { describe, expect, it } from 'vitest';
import { SpecError } from './problem.js';
import { readYaml } from './read-yaml.js';
import { toJs } from './tree.js';

const read = (text: string) => readYaml(text, (line, column) => ({ file: 'a.yaml', line, column, layer: 0 }));
const messages = (text: string) => read(text).problems.map(({ message }) => message);

it('reads YAML 1.2: no is text, 0-5 is text, an alias is its value', () => {
  const { tree, problems } = read('a: &x { b: no, c: 0-5 }\nd: *x\ne:\n1: 1e-3');
  expect(problems).toEqual([]);
  expect(toJs(tree!)).toEqual({ a: { b: 'no', c: '0-5' }, d: { b: 'no', c: '0-5' }, e: null, 1: 0.001 });
});

it('stays with YAML 1.2 whatever the file says', () => {
  expect(toJs(read('%YAML 1.1\n---\na: no\nb: 1:30').tree!)).toEqual({ a: 'no', b: '1:30' });
});

it('keeps a key called __proto__ a key', () => {
  expect(Object.keys(toJs(read('__proto__: { x: 1 }').tree!) as object)).toEqual(['__proto__']);
});

describe('what is no experiment', () => {
  it.each([
    ['# nothing', ['a.yaml:1:1 E_SPEC the file is empty.']],
    ['a: "x', ['a.yaml:1:6 E_SPEC no valid YAML: Missing closing "quote.']],
    ['a:\n\tb: 1', ['a.yaml:2:1 E_SPEC no valid YAML: Tabs are not allowed as indentation.']],
    [
      'a: 1\n---\nb: 2',
      ['a.yaml:2:1 E_SPEC no valid YAML: a second document begins here, and one file is one experiment.'],
    ],
    ['a: !!js/function x', ['a.yaml:1:4 E_SPEC no valid YAML: tags (!…) mean nothing here.']],
    ['? [a]\n: 1', ['a.yaml:1:3 E_SPEC a key is a word, not a list or a map.']],
    [
      'a: 1\nb: { c: 1, c: 2 }\na: 2',
      [
        'a.yaml:2:12 E_SPEC b.c: this key is there twice, first in line 2: remove one of them.',
        'a.yaml:3:1 E_SPEC a: this key is there twice, first in line 1: remove one of them.',
      ],
    ],
  ])('%j', (text, expected) => {
    expect(messages(text)).toEqual(expected);
  });
});

describe('what would never end', () => {
  it('refuses aliases of aliases of aliases', () => {
    const bomb = [
      'a0: &a0 [x, x]',
      ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`),
    ];
    expect(messages(bomb.join('\n'))).toEqual([
      expect.stringMatching(/^a\.yaml:\d+:\d+ E_SPEC the YAML has more than 1000 aliases\.$/),
    ]);
  });

  it('refuses a large value many times', () => {
    const text = `a: &a [${'x,'.repeat(2000)}]\nb: [${'*a ,'.repeat(200)}]`;
    expect(messages(text)).toEqual([expect.stringMatching(/the YAML unfolds to more than 200000 values\.$/)]);
  });

  it('refuses an alias of what it is in', () => {
    expect(messages('a: &a [*a]')).toEqual(['a.yaml:1:8 E_SPEC the YAML is nested more than 32 deep.']);
  });

  it('refuses endless nesting', () => {
    expect(messages('['.repeat(50_000))[0]).toMatch(
      /E_SPEC no valid YAML: it is nested too deeply to be read\.$/,
    );
  });

  it('tells twenty of a hundred thousand problems, and how many more there are', () => {
    const { problems } = read(']\n'.repeat(100_000));
    const { message, problems: told } = new SpecError(problems);
    expect(told).toHaveLength(21);
    expect(SpecError.together([...told, ...told]).message).toBe(message);
    const lines = message.split('\n');
    expect(lines[19]).toMatch(/^a\.yaml:20:1 E_SPEC no valid YAML: Unexpected flow-seq-end/);
    expect(lines[20]).toBe('a.yaml E_SPEC … and 99980 more.');
    expect(Error.stackTraceLimit).toBeGreaterThan(0);
  });

  it('refuses a text of more than a million characters', () => {
    expect(messages('#'.repeat(1_000_001))).toEqual([
      'a.yaml:1:1 E_SPEC 1000001 characters, more than the 1000000 that are read.',
    ]);
  });
});
