import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { euler, type Solver } from '@fewstep/solvers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOfModule } from './files-of-module.js';
import { loadMethod, loadSchedule, loadScore } from './load-module.js';

let dir: string;
let count = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-modules-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A file of its own for each text: a process keeps what it has loaded. */
async function written(text: string): Promise<string> {
  const path = join(dir, `${count++}.mjs`);
  await writeFile(path, text);
  return path;
}

const solver = 'make: () => ({ init: (x) => ({ x }), *step(s) { return s; } })';
const method = (more: string) =>
  `export default (f) => ({ name: 'own', evaluations: 1, ${solver}, ${more} });`;
/** A student whose outputs are made of r's, o. */
const student = (outputs: string) =>
  declared(
    `evaluations: 2, student: () => ({ singleStep: true, steered: () => 7 }), outputs: () => { const [o] = f.placement({}); return ${outputs}; }`,
  );
const declared = (more: string) => `export default (f) => ({ name: 'own', ${more} });`;

describe('a file that declares nothing that will do is refused by its name and what is wrong', () => {
  it.each<[module: string, said: RegExp]>([
    [`import './nothing.mjs';`, /it can't be loaded: Cannot find module .*nothing\.mjs/],
    ['\nthrow new Error("too early");', /it can't be loaded, line 2: too early/],
    ['export const solver = 1;', /its default export is missing, and must be a function/],
    ['export default { name: "own" };', /its default export is no function, and must be a function/],
    ['export default () => { throw new Error("no"); };', /its default export throws: no\./],
    [
      'export default () => undefined;',
      /its default export must give a method: found nothing, expected a map with name, and maybe evaluations, options/,
    ],
    [
      'export default () => [];',
      /its default export must give a method: found an empty list, expected a map with name/,
    ],
    [method('makes: 1'), /its makes: unknown key; did you mean "make"\? One of name, evaluations, options/],
    [method('name: "My solver"'), /its name: found "My solver", expected small letters/],
    [declared('student: () => 7'), /its evaluations: missing; write how many an interval takes/],
    [method('evaluations: 0'), /its evaluations: found 0, expected how many/],
    [method('make: 3'), /its make: found 3, expected a function/],
    [declared('evaluations: 1'), /it declares neither make, a plain solver, nor student, .* nor family/],
    [method('family: () => 7'), /it declares family, tables that are fitted, and a solver/],
    [declared('family: 7'), /its family: found 7, expected a function/],
    [
      declared('family: () => 7, options: { start: f.flag(true, "n") }'),
      /its option "start" is a key of every/,
    ],
    [method('make: () => { throw new Error("not so"); }'), /its make throws: not so/],
    [method('make: () => ({ init: (x) => ({ x }) })'), /its make gives no solver: step is no function/],
    [method('student: () => 7'), /it declares no outputs/],
    [method('student: () => 7, outputs: f.placement'), /its student gives no \{ singleStep, steered \}/],
    [student('7'), /its outputs: found 7, expected a list of \{ name, count/],
    [student('[]'), /its outputs: found an empty list, expected a list/],
    [
      student('[{ ...o, name: "a" }, { ...o, name: "a" }]'),
      /its outputs must be a list of .*each of its own/,
    ],
    [student('[{ ...o, name: "A" }]'), /its outputs 0 name: found "A", expected small letters/],
    [student('[{ ...o, count: 0 }]'), /its outputs 0 count: found 0, expected how many numbers it is/],
    [student('[{ ...o, range: [0, 1] }]'), /its outputs 0 range: found a list, expected one of between/],
    [student('[{ ...o, range: { at: 1 } }]'), /its outputs 0 range slope: missing; write a function/],
    [student('[{ ...o, moves: "no" }]'), /its outputs 0 moves: found "no", expected true or false/],
    [student('[{ ...o, start: 1 }]'), /its outputs 0 start: found 1, expected a function of the interval/],
    [student('[null]'), /its outputs 0: found nothing, expected a map with name, count/],
    [method('options: []'), /its options: found an empty list, expected a map/],
    [
      method('options: { num_steps: f.integer(1, 2, 1, "n") }'),
      /its option "num_steps" is a key of every spec/,
    ],
    [method('options: { a: { type: "integer", default: 1 } }'), /its option "a" has no description/],
    [
      method('options: { a: f.integer(1, 3, 7, "n") }'),
      /its option "a" refuses its own default: found 7, expected an integer from 1 to 3/,
    ],
    [
      method('options: { a: f.choice(["x"], "y", "n") }'),
      /its option "a" refuses its own default: "y" is no name .* One of x/,
    ],
    [
      method('options: { a: f.flag("yes", "n") }'),
      /its option "a" refuses its own default: found "yes", expected true or false/,
    ],
    [
      method('options: { a: { type: "map", description: "n" } }'),
      /its option "a" is of no kind that there is/,
    ],
    [method('options: { A: f.flag(true, "n") }'), /its option "A" must be of small letters/],
  ])('%s', async (module, said) => {
    const file = await written(module);
    await expect(loadMethod(file)).rejects.toMatchObject({
      code: 'E_MODULE',
      message: expect.stringMatching(said),
    });
    await expect(loadMethod(file)).rejects.toThrow(file);
  });

  it('that is not there', async () => {
    await expect(loadMethod(join(dir, 'none.mjs'))).rejects.toThrow(/none\.mjs: there is no such file/);
    await expect(loadMethod(dir)).rejects.toMatchObject({
      code: 'E_MODULE',
      message: expect.stringMatching(/: it is no file, but a folder/),
    });
  });

  it.each<[module: string, said: RegExp]>([
    [declared('levels: 1'), /its levels: found 1, expected a function of the span/],
    [declared('spacing: 3, levels: () => []'), /its spacing: found 3, expected a text/],
    [declared('isWhole: 1, levels: () => []'), /its isWhole: found 1, expected true or false/],
  ])('a schedule: %s', async (module, said) => {
    await expect(loadSchedule(await written(module))).rejects.toThrow(said);
  });

  it.each<[module: string, said: RegExp]>([
    [
      declared('needs: "money", digits: { own: 1 }, compute() {}'),
      /its needs: "money" is no name .* One of features, images/,
    ],
    [declared('needs: "images", digits: {}, compute() {}'), /its digits must say of each of its columns/],
    [
      declared('needs: "images", digits: { own: 1 }'),
      /its compute: missing; write a function of what it needs/,
    ],
  ])('a score: %s', async (module, said) => {
    await expect(loadScore(await written(module))).rejects.toThrow(said);
  });
});

describe('what it gives while it computes is looked at', () => {
  const x = Float64Array.of(1, 2);

  it.each<[family: string, said: RegExp]>([
    ['() => { throw new Error("no"); }', /its family throws: no/],
    ['() => 7', /its family: found 7, expected a map \{ parameters, table \}/],
    ['() => ({ parameters: [], table() {} })', /its family parameters: found an empty list/],
    ['() => ({ parameters: [{}], table() {} })', /its family parameters 0 name: missing/],
    [
      '() => ({ parameters: [{ name: "a", start: 0, step: 0 }], table() {} })',
      /its family parameters 0 step: found 0, expected how far a difference goes, above 0/,
    ],
    [
      '() => ({ parameters: [1, 2].map(() => ({ name: "a", start: 0, step: 1 })), table() {} })',
      /its family parameters must each have a name of their own/,
    ],
    ['of(() => { throw new Error("lost"); })', /its table throws: lost/],
    ['of(() => 7)', /its table: found 7, expected a map \{ sigmas, rows \}/],
    ['of(() => ({ sigmas: [1], rows: [[1]] }))', /its table: a table of E noise levels has E \+ 1 rows/],
    [
      'of(([n]) => ({ sigmas: [1], rows: n ? [[1], [1]] : [[1], [1, 2]] }))',
      /its table is of another size than where it begins/,
    ],
  ])('a family: %s', async (family, said) => {
    const of = 'const of = (table) => () => ({ parameters: [{ name: "a", start: 0, step: 1 }], table });';
    const file = await written(`${of}\n${declared(`family: ${family}`)}`);
    const { generator } = await loadMethod(file);
    const start = { solver: euler as Solver, sigmas: [80, 1], shape: [1, 1, 2] as const };
    expect(() => generator!.make({}, start).table([1])).toThrow(said);
    expect(() => generator!.make({}, start).table([1])).toThrow(file);
  });

  it.each<[step: string, said: RegExp]>([
    ['step() {}', /its step from σ 80 is no generator/],
    ['*step() { throw new Error("lost"); }', /its step from σ 80 throws: lost/],
    ['*step() { return {}; }', /its step from σ 80 gives no state \{ x \}, a Float64Array of 2 numbers/],
    ['*step() { yield { x: [1], sigma: 1 }; }', /its step from σ 80 asks for no evaluation/],
    ['*step({ x }) { yield { x, sigma: -1 }; }', /its step from σ 80 asks for no evaluation/],
    ['*step({ x }) { yield; }', /its step from σ 80 asks for no evaluation/],
  ])('%s', async (step, said) => {
    const file = await written(method(`make: () => ({ init: (x) => ({ x }), ${step} })`));
    const { plain } = await loadMethod(file);
    const made = plain!.make({}, { sigmaMin: 1, sigmaMax: 80 });
    expect(() => made.step(made.init(x, 1), 80, 1, 1).next()).toThrow(said);
  });

  it.each<[levels: string, said: RegExp]>([
    ['() => { throw new Error("none"); }', /its levels throw: none/],
    ['() => 5', /its levels give a number, and must give 3/],
    ['() => [80, 1]', /its levels give 2 of them, and must give 3/],
    ['() => [80, 90, 1]', /its levels give 90 as number 1, and must descend/],
    ['() => [80, NaN, 1]', /its levels give NaN as number 1/],
  ])('levels: %s', async (levels, said) => {
    const family = await loadSchedule(await written(declared(`levels: ${levels}`)));
    expect(() => family.levels({ numSteps: 3, sigmaMin: 1, sigmaMax: 80 }, {}, undefined)).toThrow(said);
  });

  it.each<[compute: string, said: RegExp]>([
    ['() => { throw new Error("sum"); }', /its compute throws: sum/],
    ['() => ({ own: NaN })', /its compute gives null as own, and must give a finite number/],
    ['() => 5', /its compute gives nothing as own/],
  ])('compute: %s', async (compute, said) => {
    const score = await loadScore(
      await written(declared(`needs: 'images', digits: { own: 1 }, compute: ${compute}`)),
    );
    await expect(score.compute({})).rejects.toThrow(said);
  });
});

it('stands for itself, the files that it imports, theirs, and the versions of packages', async () => {
  await writeFile(
    join(dir, 'a.mjs'),
    `import { b } from './b.mjs'; import 'node:fs'; import('./late.mjs'); import 'grain/flour';`,
  );
  await writeFile(join(dir, 'b.mjs'), `export * from './a.mjs'; export const b = 1; import './gone.mjs';`);
  await writeFile(join(dir, 'late.mjs'), '');
  await mkdir(join(dir, 'node_modules/grain'), { recursive: true });
  await writeFile(join(dir, 'node_modules/grain/package.json'), '{"name":"grain","version":"1.0.0"}');
  expect((await filesOfModule(join(dir, 'a.mjs'))).sort()).toEqual([
    'a.mjs',
    'b.mjs',
    'late.mjs',
    'node_modules/grain/package.json',
  ]);
});
