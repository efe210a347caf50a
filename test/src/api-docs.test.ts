import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './command-line.js';

interface Exported {
  readonly name: string;
  /** Module that declares it. */
  readonly file: string;
}

/** What an index.ts names in its re-exports, which is all that it holds. */
function exportsOf(index: string): Exported[] {
  const reexports = readFileSync(index, 'utf8').matchAll(/^export (?:type )?\{([^}]*)\} from '(.*)\.js';/gm);
  return [...reexports].flatMap(([, names = '', module]) =>
    names
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== '')
      .map((name) => ({ name, file: join(dirname(index), `${module}.ts`) })),
  );
}

/** The doc comment right before a declaration; undefined where there is none. */
function docOf({ name, file }: Exported): string | undefined {
  const text = readFileSync(file, 'utf8');
  const keyword = '(?:async |abstract )?(?:function\\*?|const|class|interface|type)';
  const { index } = new RegExp(`^export ${keyword} ${name}\\b`, 'm').exec(text) ?? {};
  if (index === undefined)
    throw new Error(`${file} does not declare ${name}, which index.ts exports from it`);
  return /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(text.slice(0, index))?.[0];
}

function codesIn(folder: string): string[] {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.test)\.ts$/.test(file),
  );
  const codes = sources.flatMap(
    (file) => readFileSync(join(folder, file), 'utf8').match(/(?<=')E_[A-Z_]+(?=')/g) ?? [],
  );
  return [...new Set(codes)].sort();
}

describe.each([
  'schedules',
  'solvers',
  'models',
  'engine-tfjs',
  'metrics',
  'report',
  'cache-dir',
  'cache-turborepo',
  'runner',
])('@fewstep/%s', (name) => {
  const folder = join(root, 'packages', name, 'src');
  const exported = exportsOf(join(folder, 'index.ts'));

  it('has a doc comment on every export: what it is, with shapes, units, errors and source where it has them', () => {
    expect(exported.length).toBeGreaterThan(name.includes('-') ? 0 : 5);
    const bare = exported.filter((one) => !docOf(one));
    expect(bare.map((one) => `${one.name} in ${one.file}`)).toEqual([]);
  });

  it('explains every error code at the class or type that lists them', () => {
    // an engine's errors are those of models
    const models = exportsOf(join(root, 'packages/models/src/index.ts'));
    const all = name === 'engine-tfjs' ? models : exported;
    const errors = all.filter((one) => /Error(Code)?$/.test(one.name)).map(docOf);
    expect(codesIn(folder).filter((code) => !errors.some((doc) => doc?.includes(code)))).toEqual([]);
  });
});
